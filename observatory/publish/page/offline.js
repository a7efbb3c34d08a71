// Styles and popups of the offline map. Features carry their name, their class and their figures, in the order of the
// layer's fields; text only ever enters the page as text, never as HTML.
const observatoire = {
  dress(feature, layer, look) {
    const style = look.styles[feature.properties.classe];
    if (style) {
      layer.setStyle(style);
    }
    layer.bindPopup(() => observatoire.popup(feature.properties, look), { maxWidth: 360 });
    layer.bindTooltip(() => observatoire.text("span", feature.properties.titre), { sticky: true });
  },

  // Layers of the same territories share their shapes; the rows come in the order of the shapes.
  features(shapes, rows) {
    const features = shapes.map((geometry, position) => ({ type: "Feature", geometry, properties: rows[position] }));
    return { type: "FeatureCollection", features };
  },

  popup(properties, look) {
    const box = document.createElement("div");
    box.append(observatoire.text("h2", properties.titre));
    const table = document.createElement("table");
    look.fields.forEach(([label, digits], position) => {
      const text = observatoire.figure(properties.v[position], digits);
      if (text) {
        const row = document.createElement("tr");
        row.append(observatoire.text("th", label), observatoire.text("td", text));
        table.append(row);
      }
    });
    if (look.classes[properties.classe]) {
      table.append(observatoire.text("caption", look.classes[properties.classe]));
    }
    box.append(table, observatoire.text("p", `Source : ${properties.source || look.source}`));
    return box;
  },

  // A text as it is, a number as French readers write it, a dash for what is unknown.
  figure(value, digits) {
    if (typeof value !== "number") {
      return value ?? "–";
    }
    return value.toLocaleString("fr-FR", { minimumFractionDigits: digits, maximumFractionDigits: digits });
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

  // The territories are framed between the legend and the layer control where there is room for the three.
  frame(map, bounds) {
    const legend = document.querySelector(".legende").offsetWidth;
    const layers = document.querySelector(".leaflet-control-layers").offsetWidth;
    const hasRoom = map.getSize().x > legend + layers + 500;
    map.fitBounds(bounds, {
      paddingTopLeft: [hasRoom ? legend + 20 : 10, 10],
      paddingBottomRight: [hasRoom ? layers + 20 : 10, 10],
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
