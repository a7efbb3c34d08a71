// Ce que disent les bulles : les figures de la tuile, leur statut, leurs sources, un lien vers la fiche.

import { decimal, nombre } from "./nombres.js";

function element(nom, texte, attributs = {}) {
  const noeud = document.createElement(nom);
  if (texte !== undefined) noeud.textContent = texte;
  for (const [cle, valeur] of Object.entries(attributs)) noeud.setAttribute(cle, valeur);
  return noeud;
}

function liste(lignes) {
  const dl = element("dl");
  for (const [terme, valeur] of lignes) dl.append(element("dt", terme), element("dd", valeur));
  return dl;
}

function sources(ids, reglages) {
  const connues = ids.filter((id) => reglages.sources[id]);
  const cadre = element("details", undefined, { class: "note" });
  cadre.open = connues.length === 1;
  cadre.append(element("summary", connues.length > 1 ? `${connues.length} sources` : "Source"));
  const ul = element("ul");
  for (const id of connues) {
    const li = element("li");
    li.append(element("a", reglages.sources[id], { href: `/donnees#${id}` }));
    ul.append(li);
  }
  cadre.append(ul);
  return cadre;
}

// Juste sous le titre : c’est le premier lien, que la carte désigne à l’ouverture, et rien ne défile.
function fiche(niveau, code) {
  const p = element("p");
  p.append(element("a", "Ouvrir la fiche", { href: `/territoires/${niveau}/${code}` }));
  return p;
}

// Les mêmes mots que la page des lacunes.
function phraseVerdict(lacune) {
  if (!lacune.verdict || lacune.verdict_share === undefined) return "";
  const part = `${Math.round(100 * lacune.verdict_share)}\u202f%`;
  const mots = { robuste: `déficit robuste ${part}`, fragile: `fragile ${part}`, absent: `pas de déficit (${part})` };
  const rang =
    lacune.rank_low === undefined
      ? ""
      : lacune.rank_low === lacune.rank_high
        ? ` Rang du besoin\u00a0: ${nombre(lacune.rank_low)}.`
        : ` Rang du besoin\u00a0: ${nombre(lacune.rank_low)} à ${nombre(lacune.rank_high)}.`;
  return mots[lacune.verdict] ? `Verdict\u00a0: ${mots[lacune.verdict]}.${rang}` : "";
}

// Un compte caché est dit « secret » : la tuile ne le porte pas. Les concernés hors de portée peuvent être peu là où les
// concernés sont nombreux : leur compte est alors seul caché (observatory/publish/gap_rows.py, is_secret).
function compte(lacune, colonne) {
  const manque = (nom) => lacune[nom] === undefined || lacune[nom] === null;
  const estPetitePart = colonne === "in_need_out_of_reach_count" && !manque("need_volume_count");
  const estSecret = manque(colonne) && (lacune.status === "suppressed" || estPetitePart);
  return estSecret ? "secret" : nombre(lacune[colonne]);
}

export function bulleTerritoire(lacune, commune, reglages) {
  const bulle = element("div", undefined, { class: "bulle" });
  bulle.append(element("h2", lacune.name));
  bulle.append(fiche(lacune.level, lacune.code));
  const typologie = reglages.typologies.find((une) => une.id === lacune.typology);
  bulle.append(
    liste([
      ["Population", nombre(lacune.population_count)],
      ["Besoin, sur 100", decimal(lacune.need_score)],
      ["Personnes concernées", compte(lacune, "need_volume_count")],
      ["Accès, sur 100", decimal(lacune.access_score)],
      ["Trajet au plus proche", decimal(lacune.nearest_min, "min")],
      ["Servis", nombre(lacune.served_count)],
      ["À portée, mais saturé", nombre(lacune.reachable_full_count)],
      ["Hors de portée", nombre(lacune.out_of_reach_count)],
      ["Concernés hors de portée", compte(lacune, "in_need_out_of_reach_count")],
      ["Priorité, sur 100", decimal(lacune.priority_score)],
    ]),
  );
  const verdict = phraseVerdict(lacune);
  if (verdict) bulle.append(element("p", verdict));
  if (typologie) bulle.append(element("p", `${typologie.label}\u00a0: ${typologie.meaning}.`));
  if (lacune.is_border_flip)
    bulle.append(element("p", "Change de typologie si la frontière régionale est fermée.", { class: "note" }));
  if (lacune.is_partial) bulle.append(element("p", "Sa part dans la région seulement.", { class: "note" }));
  if (commune?.density_label) bulle.append(element("p", `Densité\u00a0: ${commune.density_label}.`));
  if (commune?.frr_label) bulle.append(element("p", `France ruralités revitalisation\u00a0: ${commune.frr_label}.`));
  bulle.append(element("p", `Statut\u00a0: ${reglages.statuses[lacune.status] ?? lacune.status}.`, { class: "note" }));
  bulle.append(sources(reglages.gapSources, reglages));
  return bulle;
}

export function bulleStructure(structure, reglages) {
  const bulle = element("div", undefined, { class: "bulle" });
  bulle.append(element("h2", structure.name));
  bulle.append(element("p", reglages.kinds[structure.kind] ?? structure.kind));
  const noms = structure.services.split("|").filter(Boolean);
  const libelles = noms.map((nom) => reglages.services.find((un) => un.id === nom)?.label ?? nom);
  bulle.append(element("p", `Services\u00a0: ${libelles.join(", ")}.`));
  if (structure.city) bulle.append(element("p", structure.city));
  if (structure.is_closed) {
    const depuis = structure.closed_date ? ` depuis le ${structure.closed_date.split("-").reverse().join("/")}` : "";
    bulle.append(element("p", `Fermé${depuis} d’après Sirene\u00a0: montré, plus compté.`));
  } else if (!structure.is_active) {
    bulle.append(element("p", "Projet annoncé\u00a0: montré, jamais compté."));
  }
  const lieu = reglages.places[structure.place_quality];
  if (lieu) bulle.append(element("p", `Point placé\u00a0: ${lieu}.`, { class: "note" }));
  if (structure.place_note) bulle.append(element("p", structure.place_note, { class: "note" }));
  bulle.append(element("p", `État\u00a0: ${structure.period}.`, { class: "note" }));
  bulle.append(sources([structure.source_id], reglages));
  return bulle;
}

export function bulleQuartier(quartier) {
  const bulle = element("div", undefined, { class: "bulle" });
  bulle.append(element("h2", quartier.name));
  bulle.append(element("p", `Quartier prioritaire ${quartier.code}.`));
  bulle.append(fiche("qpv", quartier.code));
  return bulle;
}
