// Les nombres comme on les écrit en français ; l’absence d’une donnée se dit.

const entier = new Intl.NumberFormat("fr-FR", { maximumFractionDigits: 0 });
const dixieme = new Intl.NumberFormat("fr-FR", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export const SANS_DONNEE = "pas de donnée";

export function nombre(valeur) {
  return valeur === undefined || valeur === null ? SANS_DONNEE : entier.format(valeur);
}

export function decimal(valeur, unite = "") {
  if (valeur === undefined || valeur === null) return SANS_DONNEE;
  return unite ? `${dixieme.format(valeur)}\u00a0${unite}` : dixieme.format(valeur);
}
