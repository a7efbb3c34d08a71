// Suit un calcul en cours et montre sa réponse quand elle arrive ; sans ce script, un lien fait de même.

const PAUSE_MS = 1000;
const cadre = document.querySelector("#calcul");
const etat = document.querySelector("#calcul-etat");
const avancement = document.querySelector("#calcul-avancement");

async function suivre() {
  let calcul;
  try {
    const reponse = await fetch(cadre.dataset.adresse, { headers: { Accept: "application/json" } });
    calcul = await reponse.json();
    if (!reponse.ok) throw new Error(calcul.detail);
  } catch (erreur) {
    etat.textContent = erreur.message || "Le calcul ne répond plus : actualisez la page.";
    return;
  }
  if (calcul.status !== "todo" && calcul.status !== "doing") {
    window.location.replace(cadre.dataset.page);
    return;
  }
  const { label, done, total } = calcul.progress;
  etat.textContent = total ? `Calcul en cours : ${label.toLowerCase()}, étape ${done} sur ${total}.` : "Calcul en attente.";
  avancement.max = total || 1;
  avancement.value = done;
  setTimeout(suivre, PAUSE_MS);
}

if (cadre) setTimeout(suivre, PAUSE_MS);
