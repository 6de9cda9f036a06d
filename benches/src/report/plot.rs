use std::{fs, path::Path};

use svg::{
    Document,
    node::element::{Line as Stroke, Rectangle, Text},
};

use crate::Result;

const NAMES: f64 = 290.0;
const SCALE: f64 = 560.0;
const MARGIN: f64 = 130.0;
const TOP: f64 = 80.0;
const BAR: f64 = 16.0;
const GAP: f64 = 22.0;
const COLOURS: [(&str, &str); 3] =
    [("plain", "#9aa5b1"), ("floor", "#4c9f70"), ("audited", "#2f6db5")];

/// The bars of one case.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) bars: Vec<Bar>,
}

pub(crate) struct Bar {
    /// Plain, floor or audited.
    pub(crate) of: &'static str,
    /// Its length.
    pub(crate) multiple: f64,
    pub(crate) ms: f64,
}

/// All from zero, on one scale: lengths can be compared.
pub(crate) fn plot(groups: &[Group], title: &str, file: &Path) -> Result<()> {
    let bars = || groups.iter().flat_map(|group| &group.bars);
    let longest = bars().map(|bar| bar.multiple).fold(1.0, f64::max);
    let height = TOP + groups.iter().map(space).sum::<f64>() + 30.0;
    let width = NAMES + SCALE + MARGIN;
    let mut document = Document::new()
        .set("viewBox", (0.0, 0.0, width, height))
        .set("font-family", "sans-serif")
        .add(Rectangle::new().set("width", width).set("height", height).set("fill", "white"))
        .add(text(title, 16.0, 28.0, 18.0));
    let mut x = NAMES;
    for (name, colour) in COLOURS.iter().filter(|(name, _)| bars().any(|bar| bar.of == *name)) {
        document =
            document.add(rectangle(x, 44.0, BAR, colour)).add(text(name, x + 22.0, 57.0, 13.0));
        x += 100.0;
    }
    let mut y = TOP;
    for group in groups {
        let middle = y + (space(group) - GAP) / 2.0;
        let name = text(&group.name, NAMES - 10.0, middle + 5.0, 14.0);
        document = document.add(name.set("text-anchor", "end"));
        for (place, bar) in (0_u32..).zip(&group.bars) {
            let (top, length) = (y + f64::from(place) * BAR, bar.multiple / longest * SCALE);
            let label = format!("{:.2} ({:.3} ms)", bar.multiple, bar.ms);
            let label = text(&label, NAMES + length + 6.0, top + BAR - 4.0, 11.0);
            document = document.add(rectangle(NAMES, top, length, colour(bar))).add(label);
        }
        y += space(group);
    }
    let one = NAMES + SCALE / longest;
    let stroke = Stroke::new()
        .set("x1", one)
        .set("x2", one)
        .set("y1", TOP - 8.0)
        .set("y2", y)
        .set("stroke", "#555")
        .set("stroke-dasharray", "3 3");
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(svg::save(file, &document.add(stroke))?)
}

/// With what lies between groups.
fn space(group: &Group) -> f64 {
    group.bars.iter().map(|_| BAR).sum::<f64>() + GAP
}

fn colour(bar: &Bar) -> &'static str {
    COLOURS.iter().find(|(name, _)| *name == bar.of).map_or("black", |(_, colour)| colour)
}

fn rectangle(x: f64, y: f64, length: f64, colour: &str) -> Rectangle {
    Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", length)
        .set("height", BAR - 2.0)
        .set("fill", colour)
}

fn text(content: &str, x: f64, y: f64, size: f64) -> Text {
    Text::new(content).set("x", x).set("y", y).set("font-size", size).set("fill", "#222")
}
