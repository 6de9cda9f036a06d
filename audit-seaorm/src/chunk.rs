//! How many rows go into one statement.

/// The largest power of two that is no larger than either, and at least one.
///
/// Drivers prepare each SQL text once and keep it, and a text for every number of rows would throw the
/// others out. With powers of two there are few: a hundred rows are three statements.
pub(crate) fn size(rows: usize, most: usize) -> usize {
    1 << rows.min(most).max(1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_powers_of_two_up_to_the_limit() {
        let mut left = 1000;
        let mut chunks = Vec::new();
        while left > 0 {
            chunks.push(size(left, 256));
            left -= size(left, 256);
        }
        assert_eq!(chunks, [256, 256, 256, 128, 64, 32, 8]);
        assert_eq!((size(0, 256), size(7, 0)), (1, 1));
    }
}
