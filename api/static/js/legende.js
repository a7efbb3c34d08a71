// La légende suit la mesure choisie : ses classes, leurs bornes, leurs couleurs.

const SVG = "http://www.w3.org/2000/svg";

function pastille(couleur) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 10 10");
  svg.setAttribute("class", "pastille");
  svg.setAttribute("aria-hidden", "true");
  const carre = document.createElementNS(SVG, "rect");
  carre.setAttribute("width", "10");
  carre.setAttribute("height", "10");
  carre.setAttribute("fill", couleur);
  svg.append(carre);
  return svg;
}

function entree(couleur, texte) {
  const li = document.createElement("li");
  li.append(pastille(couleur), texte);
  return li;
}

export function dessinerLegende(cadre, reglages, mesure) {
  const titre = document.createElement("p");
  titre.className = "legende-titre";
  titre.textContent = reglages.measures[mesure];
  const ul = document.createElement("ul");
  ul.className = "legende";
  if (mesure === "typology") {
    for (const une of reglages.typologies) ul.append(entree(une.colour, `${une.label}\u00a0: ${une.meaning}`));
  } else {
    const classes = reglages.scales[mesure];
    classes.forEach((une, rang) => {
      const jusque = rang === classes.length - 1 ? "à" : "à moins de";
      ul.append(entree(une.colour, `${une.low} ${jusque} ${une.high}`));
    });
    ul.append(entree(reglages.noData, "pas de donnée"));
  }
  cadre.replaceChildren(titre, ul);
}
