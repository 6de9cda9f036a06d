use crate::{backend::Backend, database::Scratch};

/// Under which conditions the figures came to be.
pub(crate) fn header(scratch: &Scratch, rounds: usize) -> String {
    let place = match scratch.backend {
        Backend::Sqlite => "a file of its own, in WAL mode: nothing is synced",
        _ if scratch.throwaway_server => {
            "a throwaway server: TCP on this machine, nothing is synced"
        }
        _ => "the server that was named",
    };
    let build =
        if cfg!(debug_assertions) { "\nNOT A RELEASE BUILD: the figures mean nothing" } else { "" };
    let backend = scratch.backend;
    format!("{backend} in {place}; one connection, one thread, medians of {rounds} rounds{build}")
}
