// Les couches de la carte, de bas en haut : fond, aplats, hachures, limites, quartiers, structures.

import { couchesIsochrones } from "./isochrones.js";

const FOND = "#f4f1e8";
const RURAL = ["5", "6", "7"]; // grille de densité à sept niveaux : bourgs ruraux et habitat dispersé

export const HACHURES = { rural: { couleur: "#33691e", sens: 1 }, frr: { couleur: "#5d4037", sens: -1 } };

/** Une image répétée de traits obliques, pour ne pas cacher l’aplat qui est dessous. */
export function hachure(couleur, sens) {
  const taille = 12;
  const toile = document.createElement("canvas");
  toile.width = toile.height = taille;
  const dessin = toile.getContext("2d");
  dessin.strokeStyle = couleur;
  dessin.globalAlpha = 0.55;
  dessin.lineWidth = 1.3;
  dessin.beginPath();
  for (const decalage of [-taille, 0, taille]) {
    if (sens > 0) {
      dessin.moveTo(decalage, taille);
      dessin.lineTo(decalage + taille, 0);
    } else {
      dessin.moveTo(decalage, 0);
      dessin.lineTo(decalage + taille, taille);
    }
  }
  dessin.stroke();
  return dessin.getImageData(0, 0, taille, taille);
}

export function couleurDe(reglages, mesure) {
  if (mesure === "typology") {
    const cas = reglages.typologies.flatMap((une) => [une.id, une.colour]);
    return ["match", ["get", "typology"], ...cas, reglages.noData];
  }
  const [premiere, ...suivantes] = reglages.scales[mesure];
  const pas = ["step", ["get", mesure], premiere.colour, ...suivantes.flatMap((une) => [une.low, une.colour])];
  return ["case", ["==", ["typeof", ["get", mesure]], "number"], pas, reglages.noData];
}

export function adresseTuiles(couche, reglages) {
  const choix = reglages.choice;
  const parametres = new URLSearchParams({ v: reglages.version });
  if (couche === "lacunes") {
    for (const nom of ["defi", "service", "level"]) parametres.set(nom, choix[nom]);
  }
  return `${location.origin}/tuiles/${couche}/{z}/{x}/{y}.mvt?${parametres}`;
}

function source(couche, reglages, maxzoom) {
  return { type: "vector", tiles: [adresseTuiles(couche, reglages)], minzoom: 5, maxzoom, bounds: [-2.2, 48.1, 2, 50.2] };
}

export function style(reglages) {
  const sources = {
    lacunes: source("lacunes", reglages, 12),
    communes: source("communes", reglages, 12),
    epci: source("epci", reglages, 11),
    departements: source("departements", reglages, 10),
    qpv: source("qpv", reglages, 14),
    structures: source("structures", reglages, 12),
  };
  const layers = [{ id: "fond", type: "background", paint: { "background-color": "#e6eaea" } }];
  if (reglages.basemap.url) {
    sources.fond = { type: "raster", tiles: [reglages.basemap.url], tileSize: 256, attribution: reglages.basemap.attribution };
    layers.push({ id: "fond-de-carte", type: "raster", source: "fond" });
  }
  const aplat = (id, couche, couleur, opacite) => ({
    id, type: "fill", source: couche, "source-layer": couche, paint: { "fill-color": couleur, "fill-opacity": opacite },
  });
  const trait = (id, couche, couleur, epaisseur, zoomMin = 0) => ({
    id, type: "line", source: couche, "source-layer": couche, minzoom: zoomMin,
    paint: { "line-color": couleur, "line-width": epaisseur }, layout: { "line-join": "round" },
  });
  const trame = (id, filtre) => ({
    id, type: "fill", source: "communes", "source-layer": "communes", filter: filtre,
    layout: { visibility: "none" }, paint: { "fill-pattern": `hachure-${id}` },
  });
  layers.push(
    aplat("terre", "departements", FOND, reglages.basemap.url ? 0 : 1),
    aplat("lacunes", "lacunes", couleurDe(reglages, reglages.choice.measure), reglages.basemap.url ? 0.72 : 0.95),
    trame("rural", ["in", ["get", "density_code"], ["literal", RURAL]]),
    trame("frr", ["all", ["has", "frr_code"], ["!", ["in", ["get", "frr_code"], ["literal", reglages.notFrr]]]]),
    trait("limites-communes", "communes", "rgba(60,60,60,0.28)", 0.5, 8.5),
    trait("limites-epci", "epci", "#ffffff", ["interpolate", ["linear"], ["zoom"], 6, 0.7, 10, 2]),
    trait("limites-departements", "departements", "#37474f", ["interpolate", ["linear"], ["zoom"], 6, 1, 10, 2.4]),
    { ...aplat("qpv", "qpv", "#7b3294", 0.35), layout: { visibility: "none" } },
    { ...trait("qpv-trait", "qpv", "#7b3294", 2.2), layout: { visibility: "none" } },
    {
      id: "bascules", type: "line", source: "lacunes", "source-layer": "lacunes", filter: ["==", ["get", "is_border_flip"], true],
      paint: { "line-color": "#111", "line-width": 1.6, "line-dasharray": [2, 1.5] },
    },
    {
      id: "choisi", type: "line", source: "lacunes", "source-layer": "lacunes", filter: ["==", ["get", "code"], ""],
      paint: { "line-color": "#111", "line-width": 2.4 },
    },
  );
  if (reglages.isochrones) {
    const zones = couchesIsochrones();
    sources.isochrones = zones.source;
    layers.push(...zones.layers);
  }
  if (reglages.territory) layers.push(...lieuChoisi(reglages.territory));
  for (const service of reglages.services) layers.push(points(service));
  return { version: 8, sources, layers };
}

/** Le contour du territoire demandé, cerné de blanc pour ressortir sur tous les aplats. */
function lieuChoisi({ level, code }) {
  const couche = { commune: "communes", epci: "epci", departement: "departements", qpv: "qpv" }[level];
  if (!couche) return [];
  const contour = (id, couleur, largeur) => ({
    id, type: "line", source: couche, "source-layer": couche, filter: ["==", ["get", "code"], code],
    paint: { "line-color": couleur, "line-width": largeur }, layout: { "line-join": "round" },
  });
  return [contour("lieu-halo", "#ffffff", 6), contour("lieu", "#111111", 3)];
}

function points(service) {
  return {
    id: `service-${service.id}`,
    type: "circle",
    source: "structures",
    "source-layer": "structures",
    filter: ["in", `|${service.id}|`, ["get", "services"]],
    paint: {
      "circle-color": service.colour,
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 6, 3, 9, 5, 13, 8],
      "circle-opacity": ["case", ["get", "is_active"], 0.92, 0.15],
      "circle-stroke-color": ["case", ["get", "is_active"], "#ffffff", service.colour],
      "circle-stroke-width": 1.2,
    },
  };
}
