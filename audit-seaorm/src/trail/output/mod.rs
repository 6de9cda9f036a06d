//! Entries for other programs, in bounded memory.

mod csv;
mod json_lines;
