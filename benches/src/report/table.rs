use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};

use super::Line;

pub(crate) fn table(lines: &[Line]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header([
        "case",
        "plain ms",
        "floor ms",
        "audited ms",
        "over plain",
        "over floor",
        "round trips: plain",
        "floor",
        "audited",
    ]);
    for line in lines {
        table.add_row([
            line.case.to_owned(),
            format!("{:.3}", line.plain_ms),
            format!("{:.3}", line.floor_ms),
            format!("{:.3}", line.audited_ms),
            format!("{:.2}", line.over_plain),
            format!("{:.2}", line.over_floor),
            line.plain_round_trips.to_string(),
            line.floor_round_trips.to_string(),
            line.round_trips.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
