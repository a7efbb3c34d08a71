// La carte de l’implantation : elle remplace le dessin quand le navigateur le permet ; la page est complète sans elle.

import { LIBELLES } from "./libelles.js";

const FAMILLES = {
  existant: { couleur: "#ffffff", trait: "#0b4a5b", rayon: 6, nom: "structure existante" },
  autre: { couleur: "#fdae61", trait: "#7f3b08", rayon: 7, nom: "lieu d’une autre solution" },
  nouveau: { couleur: "#ca0020", trait: "#ffffff", rayon: 10, nom: "nouveau pôle" },
};
const COUCHES = { commune: "communes", epci: "epci", departement: "departements" };

const cadre = document.querySelector("#implantation-carte");
const reglages = JSON.parse(document.querySelector("#implantation-sites")?.textContent ?? "null");

function tuiles(couche, maxzoom) {
  const adresse = `${location.origin}/tuiles/${couche}/{z}/{x}/{y}.mvt`;
  return { type: "vector", tiles: [adresse], minzoom: 5, maxzoom, bounds: [-2.2, 48.1, 2, 50.2] };
}

function style() {
  const sources = { communes: tuiles("communes", 12), epci: tuiles("epci", 11), departements: tuiles("departements", 10) };
  const layers = [{ id: "fond", type: "background", paint: { "background-color": "#e6eaea" } }];
  if (reglages.basemap.url) {
    sources.fond = { type: "raster", tiles: [reglages.basemap.url], tileSize: 256, attribution: reglages.basemap.attribution };
    layers.push({ id: "fond-de-carte", type: "raster", source: "fond" });
  }
  const trait = (id, couche, couleur, largeur, filtre) => ({
    id, type: "line", source: couche, "source-layer": couche, ...(filtre && { filter: filtre }),
    paint: { "line-color": couleur, "line-width": largeur }, layout: { "line-join": "round" },
  });
  layers.push(
    { id: "terre", type: "fill", source: "departements", "source-layer": "departements",
      paint: { "fill-color": "#f4f1e8", "fill-opacity": reglages.basemap.url ? 0 : 1 } },
    trait("limites-communes", "communes", "rgba(60,60,60,0.35)", 0.6),
    trait("limites-epci", "epci", "#8a9499", 1.2),
  );
  const couche = COUCHES[reglages.territory.level];
  if (couche) layers.push(trait("lieu", couche, "#111111", 2.4, ["==", ["get", "code"], reglages.territory.code]));
  return { version: 8, sources, layers };
}

function points() {
  const ordre = Object.keys(FAMILLES);
  const ranges = [...reglages.sites].sort((un, autre) => ordre.indexOf(un.kind) - ordre.indexOf(autre.kind));
  return {
    type: "FeatureCollection",
    features: ranges.map((site) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: [site.lon, site.lat] },
      properties: { ...site, services: site.services.map((un) => reglages.services[un]).join(", ") },
    })),
  };
}

function parFamille(nom) {
  return ["match", ["get", "kind"], ...Object.entries(FAMILLES).flatMap(([famille, une]) => [famille, une[nom]]), FAMILLES.autre[nom]];
}

// Un nouveau pôle et une structure existante peuvent tenir à la même mairie : la bulle dit tous les lieux du point.
function bulle(lieux) {
  const ordre = Object.keys(FAMILLES).reverse();
  const contenu = document.createElement("div");
  contenu.className = "bulle";
  const rangs = [...lieux].sort((un, autre) => ordre.indexOf(un.kind) - ordre.indexOf(autre.kind));
  for (const lieu of rangs) ecrireLieu(contenu, lieu);
  return contenu;
}

function ecrireLieu(contenu, { name, kind, services, note }) {
  const titre = document.createElement("h2");
  titre.textContent = name;
  const texte = document.createElement("p");
  texte.textContent = `${FAMILLES[kind].nom} ; ${services || "services non précisés"}.`;
  contenu.append(titre, texte);
  if (kind !== "existant" && note) {
    const precision = document.createElement("p");
    precision.textContent = note;
    contenu.append(precision);
  }
}

function ecrireNoms(carte) {
  for (const site of reglages.sites.filter((un) => un.kind === "nouveau")) {
    const nom = document.createElement("div");
    nom.className = "ville";
    nom.textContent = site.name;
    nom.setAttribute("aria-hidden", "true");
    new maplibregl.Marker({ element: nom, anchor: "top", offset: [0, 10] }).setLngLat([site.lon, site.lat]).addTo(carte);
  }
}

function emprise() {
  const proches = reglages.sites.filter((site) => site.kind !== "existant");
  const bornes = new maplibregl.LngLatBounds();
  for (const site of proches) bornes.extend([site.lon, site.lat]);
  return bornes;
}

function ouvrir() {
  cadre.hidden = false;
  maplibregl.setWorkerUrl("/static/maplibre-gl/maplibre-gl-csp-worker.js");
  const carte = new maplibregl.Map({
    container: cadre, style: style(), bounds: reglages.bbox ?? emprise(), fitBoundsOptions: { padding: 24, maxZoom: 11 },
    minZoom: 5, maxZoom: 16, maxBounds: [-9, 43, 9, 54], dragRotate: false, pitchWithRotate: false,
    cooperativeGestures: true, attributionControl: false, locale: LIBELLES,
  });
  carte.touchZoomRotate.disableRotation();
  carte.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  carte.addControl(new maplibregl.ScaleControl({ unit: "metric" }));
  carte.addControl(new maplibregl.AttributionControl({ compact: false, customAttribution: '<a href="/donnees">Sources et licences</a>' }));
  cadre.map = carte;
  carte.on("load", () => {
    carte.addSource("sites", { type: "geojson", data: points() });
    carte.addLayer({
      id: "sites", type: "circle", source: "sites",
      paint: {
        "circle-color": parFamille("couleur"), "circle-radius": parFamille("rayon"),
        "circle-stroke-color": parFamille("trait"), "circle-stroke-width": 2,
      },
    });
    ecrireNoms(carte);
    carte.on("click", "sites", ({ features, lngLat }) => {
      new maplibregl.Popup({ maxWidth: "22rem" }).setLngLat(lngLat).setDOMContent(bulle(features.map((un) => un.properties))).addTo(carte);
    });
    carte.on("mousemove", ({ point }) => {
      carte.getCanvas().style.cursor = carte.queryRenderedFeatures(point, { layers: ["sites"] }).length ? "pointer" : "";
    });
    document.querySelector("#implantation-figure .dessin").setAttribute("hidden", "");
    document.querySelector("#implantation-legende").hidden = false;
    cadre.dataset.pret = "oui";
  });
}

if (cadre && reglages) {
  try {
    ouvrir();
  } catch (erreur) {
    // Ni WebGL ni la bibliothèque : le dessin et les tableaux disent tout.
    cadre.hidden = true;
    console.info(erreur);
  }
}
