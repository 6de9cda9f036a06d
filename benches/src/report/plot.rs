use std::{fs, path::Path};

use svg::{
    Document,
    node::element::{Line as Stroke, Rectangle, Text},
};

use super::Line;
use crate::Result;

const NAMES: f64 = 290.0;
const SCALE: f64 = 560.0;
const MARGIN: f64 = 130.0;
const TOP: f64 = 80.0;
const BAR: f64 = 16.0;
const GROUP: f64 = 3.0 * BAR + 22.0;
const COLOURS: [(&str, &str); 3] =
    [("plain", "#9aa5b1"), ("floor", "#4c9f70"), ("audited", "#2f6db5")];

/// Bars of floor and audited over plain, from zero, on one scale: lengths can be compared.
pub(crate) fn plot(lines: &[Line], title: &str, file: &Path) -> Result<()> {
    let longest = lines.iter().flat_map(multiples).fold(1.0, f64::max);
    let height = TOP + f64::from(u32::try_from(lines.len())?) * GROUP + 30.0;
    let width = NAMES + SCALE + MARGIN;
    let mut document = Document::new()
        .set("viewBox", (0.0, 0.0, width, height))
        .set("font-family", "sans-serif")
        .add(Rectangle::new().set("width", width).set("height", height).set("fill", "white"))
        .add(text(title, 16.0, 28.0, 18.0));
    let mut x = NAMES;
    for (name, colour) in COLOURS {
        document = document.add(bar(x, 44.0, BAR, colour)).add(text(name, x + 22.0, 57.0, 13.0));
        x += 100.0;
    }
    let mut y = TOP;
    for line in lines {
        let name = text(line.case, NAMES - 10.0, y + 1.5 * BAR + 5.0, 14.0);
        document = document.add(name.set("text-anchor", "end"));
        for ((multiple, ms), (_, colour)) in
            multiples(line).into_iter().zip(times(line)).zip(COLOURS)
        {
            let length = multiple / longest * SCALE;
            let label = format!("{multiple:.2} ({ms:.3} ms)");
            document = document.add(bar(NAMES, y, length, colour)).add(text(
                &label,
                NAMES + length + 6.0,
                y + BAR - 4.0,
                11.0,
            ));
            y += BAR;
        }
        y += GROUP - 3.0 * BAR;
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

fn multiples(line: &Line) -> [f64; 3] {
    times(line).map(|time| time / line.plain_ms)
}

fn times(line: &Line) -> [f64; 3] {
    [line.plain_ms, line.floor_ms, line.audited_ms]
}

fn bar(x: f64, y: f64, length: f64, colour: &str) -> Rectangle {
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
