use crate::{backend::Backend, place::Place};

/// Under which conditions the figures came to be.
pub(crate) fn header(place: &Place, rounds: usize) -> String {
    let backend = place.backend();
    let kind = match backend {
        Backend::Sqlite => "a file of its own, in WAL mode: nothing is synced",
        _ if place.is_throwaway() => "a throwaway server: TCP on this machine, nothing is synced",
        _ => "the server that was named",
    };
    let build =
        if cfg!(debug_assertions) { "\nNOT A RELEASE BUILD: the figures mean nothing" } else { "" };
    format!("{backend} in {kind}; one connection, one thread, medians of {rounds} rounds{build}")
}
