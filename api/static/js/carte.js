// La carte : un enrichissement de la page, qui est complète sans elle.

import { bulleQuartier, bulleStructure, bulleTerritoire } from "./bulles.js";
import { couleurDe, HACHURES, hachure, style } from "./couches.js";
import { boutonIsochrones, effacerIsochrones } from "./isochrones.js";
import { dessinerLegende } from "./legende.js";
import { LIBELLES } from "./libelles.js";

const cadre = document.querySelector("#carte");
const couches = document.querySelector("#couches");
const etat = document.querySelector("#carte-etat");
const reglages = JSON.parse(document.querySelector("#carte-reglages").textContent);

function basculer(carte, nom, visible) {
  const valeur = visible ? "visible" : "none";
  const noms = nom === "qpv" ? ["qpv", "qpv-trait"] : [nom];
  for (const une of noms) if (carte.getLayer(une)) carte.setLayoutProperty(une, "visibility", valeur);
}

function suivreCouches(carte) {
  const appliquer = () => {
    for (const case_ of couches.elements.namedItem("couche")) basculer(carte, case_.value, case_.checked);
  };
  couches.addEventListener("change", (evenement) => {
    basculer(carte, evenement.target.value, evenement.target.checked);
    etat.textContent = evenement.target.checked ? "Couche affichée." : "Couche masquée.";
  });
  appliquer();
}

function suivreMesure(carte) {
  const choix = document.querySelector("#measure");
  const legende = document.querySelector("#legende");
  dessinerLegende(legende, reglages, choix.value);
  choix.addEventListener("change", () => {
    carte.setPaintProperty("lacunes", "fill-color", couleurDe(reglages, choix.value));
    document.querySelector("#nom-mesure").textContent = reglages.measures[choix.value];
    dessinerLegende(legende, reglages, choix.value);
    etat.textContent = `Couleur : ${reglages.measures[choix.value]}.`;
  });
  for (const nom of ["defi", "service", "level", "territory"]) {
    // Le tableau et la carte changent ensemble : c’est le serveur qui les écrit.
    document.querySelector(`#${nom}`).addEventListener("change", () => document.querySelector("#choix").requestSubmit());
  }
}

function ecrireVilles(carte) {
  for (const ville of reglages.towns) {
    const nom = document.createElement("div");
    nom.className = "ville";
    nom.textContent = ville.name;
    nom.setAttribute("aria-hidden", "true");
    new maplibregl.Marker({ element: nom, anchor: "top", offset: [0, -3] }).setLngLat([ville.lon, ville.lat]).addTo(carte);
  }
}

function montrerBulle(carte, point, lieu) {
  const marge = 4;
  const zone = [[point.x - marge, point.y - marge], [point.x + marge, point.y + marge]];
  const presents = (noms) => noms.filter((nom) => carte.getLayer(nom));
  const structure = carte.queryRenderedFeatures(zone, { layers: presents(reglages.services.map((un) => `service-${un.id}`)) })[0];
  const quartier = carte.queryRenderedFeatures(point, { layers: presents(["qpv"]) })[0];
  const lacune = carte.queryRenderedFeatures(point, { layers: presents(["lacunes"]) })[0];
  if (!structure && !quartier && !lacune) return;
  const commune = carte.queryRenderedFeatures(point, { layers: presents(["rural", "frr"]) })[0];
  let contenu;
  effacerIsochrones(carte);
  if (structure) contenu = bulleStructure(structure.properties, reglages);
  else if (quartier) contenu = bulleQuartier(quartier.properties);
  else contenu = bulleTerritoire(lacune.properties, commune?.properties, reglages);
  if (structure && reglages.isochrones) contenu.append(boutonIsochrones(carte, structure.geometry.coordinates, reglages, etat));
  carte.setFilter("choisi", ["==", ["get", "code"], structure || quartier ? "" : lacune.properties.code]);
  const bulle = new maplibregl.Popup({ maxWidth: "22rem" }).setLngLat(lieu).setDOMContent(contenu).addTo(carte);
  bulle.on("close", () => carte.setFilter("choisi", ["==", ["get", "code"], ""]));
}

function ouvrir() {
  cadre.hidden = false;
  couches.hidden = false;
  maplibregl.setWorkerUrl("/static/maplibre-gl/maplibre-gl-csp-worker.js");
  const carte = new maplibregl.Map({
    container: cadre,
    style: style(reglages),
    bounds: reglages.bbox,
    fitBoundsOptions: { padding: 24 },
    minZoom: 5,
    maxZoom: 16,
    maxBounds: [-9, 43, 9, 54],
    dragRotate: false,
    pitchWithRotate: false,
    cooperativeGestures: true,
    attributionControl: false,
    locale: LIBELLES,
  });
  carte.touchZoomRotate.disableRotation();
  carte.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  carte.addControl(new maplibregl.FullscreenControl(), "top-right");
  carte.addControl(new maplibregl.ScaleControl({ unit: "metric" }));
  carte.addControl(new maplibregl.AttributionControl({ compact: false, customAttribution: '<a href="/donnees">Sources et licences</a>' }));
  cadre.map = carte;
  carte.on("load", () => {
    for (const [nom, { couleur, sens }] of Object.entries(HACHURES)) {
      if (!carte.hasImage(`hachure-${nom}`)) carte.addImage(`hachure-${nom}`, hachure(couleur, sens));
    }
    suivreCouches(carte);
    suivreMesure(carte);
    ecrireVilles(carte);
    carte.on("click", (evenement) => montrerBulle(carte, evenement.point, evenement.lngLat));
    carte.on("mousemove", (evenement) => {
      const noms = ["lacunes", "qpv", ...reglages.services.map((un) => `service-${un.id}`)];
      carte.getCanvas().style.cursor = carte.queryRenderedFeatures(evenement.point, { layers: noms }).length ? "pointer" : "";
    });
    document.querySelector("#carte-absente").hidden = true;
    cadre.dataset.pret = "oui";
  });
}

try {
  ouvrir();
} catch (erreur) {
  // Ni WebGL ni la bibliothèque : le tableau dit tout, et la page le dit.
  cadre.hidden = true;
  couches.hidden = true;
  document.querySelector("#carte-absente").hidden = false;
  console.info(erreur);
}
