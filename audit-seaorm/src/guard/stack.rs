use std::thread;

/// How many tokens a text may have to be parsed: one that has more counts as one that cannot be.
const MAX_TOKENS: usize = 400_000;
/// The parser limits its own depth, and takes up to 5 MB for it in a debug build, more than a thread of
/// Tokio has.
const BASE: usize = 8 << 20;
/// A long chain such as `a OR b OR c …` makes a tree as deep as it is long, and disposing of it takes a
/// hundred bytes for each step, which is two tokens or more.
const PER_TOKEN: usize = 128;

/// Runs `work` on a text of so many tokens with a stack that is deep enough for it. Starting a thread takes
/// no longer than the parsing, and the verdict is kept.
pub(super) fn deep_enough<T: Send>(tokens: usize, work: impl FnOnce() -> T + Send) -> Option<T> {
    if tokens > MAX_TOKENS {
        return None;
    }
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(BASE + tokens * PER_TOKEN);
        thread.spawn_scoped(scope, work).ok()?.join().ok()
    })
}
