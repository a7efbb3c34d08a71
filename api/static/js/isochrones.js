// Ce que l’on atteint d’une structure par la route, quand l’exploitant a chargé un réseau routier.

const COULEURS = ["#d8b365", "#8c6d1f", "#4d3a06"]; // de la durée la plus longue à la plus courte
const VIDE = { type: "FeatureCollection", features: [] };

/** La source et les couches, vides tant que rien n’est demandé. */
export function couchesIsochrones() {
  const couleur = ["match", ["get", "rang"], 0, COULEURS[0], 1, COULEURS[1], COULEURS[2]];
  return {
    source: { type: "geojson", data: VIDE, attribution: "Routes : © contributeurs d’OpenStreetMap" },
    layers: [
      { id: "isochrones", type: "fill", source: "isochrones", paint: { "fill-color": couleur, "fill-opacity": 0.22 } },
      { id: "isochrones-trait", type: "line", source: "isochrones", paint: { "line-color": couleur, "line-width": 1.8 } },
    ],
  };
}

export function effacerIsochrones(carte) {
  carte.getSource("isochrones")?.setData(VIDE);
}

function phrase(reglages) {
  const durees = reglages.isochrones.minutes;
  return `${durees.slice(0, -1).join(", ")} et ${durees.at(-1)}\u00a0minutes ${reglages.isochrones.mode}`;
}

async function tracer(carte, [lon, lat], reglages) {
  const demande = new URLSearchParams({ lon, lat, minutes: reglages.isochrones.minutes.join(",") });
  const reponse = await fetch(`/api/isochrones?${demande}`);
  const zones = await reponse.json();
  if (!reponse.ok) throw new Error(zones.detail);
  zones.features.forEach((zone, rang) => (zone.properties.rang = rang));
  carte.getSource("isochrones").setData(zones);
  return zones.note;
}

/** Le bouton d’une bulle, et la phrase qui dit ce qui est dessiné. */
export function boutonIsochrones(carte, lieu, reglages, etat) {
  const cadre = document.createElement("div");
  const bouton = document.createElement("button");
  const dit = document.createElement("p");
  bouton.type = "button";
  bouton.textContent = `Zones à ${phrase(reglages)}`;
  dit.className = "note";
  bouton.addEventListener("click", async () => {
    bouton.disabled = true;
    dit.textContent = etat.textContent = "Tracé en cours…";
    try {
      const note = await tracer(carte, lieu, reglages);
      dit.textContent = etat.textContent = `Zones à ${phrase(reglages)}, tracées sur la carte. ${note}`;
    } catch (erreur) {
      dit.textContent = etat.textContent = erreur.message;
      bouton.disabled = false;
    }
  });
  cadre.append(bouton, dit);
  return cadre;
}
