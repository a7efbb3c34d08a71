// Styles and popups of the offline map. Features carry their class and their figures, already written in French;
// text only ever enters the page as text, never as HTML.
const observatoire = {
  dress(feature, layer, look) {
    const style = look.styles[feature.properties.classe];
    if (style) {
      layer.setStyle(style);
    }
    layer.bindPopup(() => observatoire.popup(feature.properties, look), { maxWidth: 360 });
    layer.bindTooltip(() => observatoire.text("span", feature.properties.titre), { sticky: true });
  },

  popup(properties, look) {
    const box = document.createElement("div");
    box.append(observatoire.text("h2", properties.titre));
    const table = document.createElement("table");
    for (const [key, label] of look.fields) {
      if (properties[key]) {
        const row = document.createElement("tr");
        row.append(observatoire.text("th", label), observatoire.text("td", properties[key]));
        table.append(row);
      }
    }
    box.append(table, observatoire.text("p", `Source : ${properties.source || look.source}`));
    return box;
  },

  text(tag, content) {
    const element = document.createElement(tag);
    element.textContent = content;
    return element;
  },

  // Leaflet's own English words.
  speakFrench(map) {
    document.querySelectorAll(".leaflet-control-layers-toggle").forEach((button) => {
      button.title = "Couches";
    });
    map.on("popupopen", (event) => {
      event.popup.getElement().querySelector(".leaflet-popup-close-button")?.setAttribute("aria-label", "Fermer");
    });
  },

  // The legend shows the classes of the layers that are drawn, and nothing else.
  followLegend(map, legends) {
    const update = () => {
      for (const [id, layer] of Object.entries(legends)) {
        document.getElementById(id).hidden = !map.hasLayer(layer);
      }
    };
    map.on("layeradd layerremove", update);
    update();
  },
};
