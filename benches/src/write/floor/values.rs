use std::fmt::Write;

/// `prefix` with so many rows of so many `?`.
pub(super) fn values(prefix: &str, rows: usize, columns: usize, suffix: &str) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    let mut sql = format!("{prefix} VALUES {row}");
    for _ in 1..rows {
        let _ = write!(sql, ",{row}");
    }
    sql.push_str(suffix);
    sql
}
