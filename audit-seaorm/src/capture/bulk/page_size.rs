/// How many rows a page may have.
const SMALLEST: u64 = 16;
pub(super) const FIRST: u64 = 128;
const LARGEST: u64 = 1024;
/// What the entries of a page should take at most, in bytes of their values.
const WEIGHT: u64 = 1 << 20;

/// Pages of large rows are short, so that memory stays bounded.
pub(super) struct PageSize(u64);

impl Default for PageSize {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl PageSize {
    pub(super) fn rows(&self) -> u64 {
        self.0
    }

    /// Takes the weight of a page into account. Powers of two keep the number of SQL texts low.
    pub(super) fn adapt(&mut self, weight: usize) {
        let weight = u64::try_from(weight).unwrap_or(u64::MAX).max(1);
        self.0 = match weight {
            too_much if too_much > WEIGHT => (self.0 / 2).max(SMALLEST),
            little if little < WEIGHT / 4 => (self.0 * 2).min(LARGEST),
            _ => self.0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_grow_with_small_rows_and_shrink_with_large_ones() {
        let mut size = PageSize::default();
        for _ in 0..5 {
            size.adapt(10_000);
        }
        assert_eq!(size.rows(), LARGEST);
        size.adapt(1 << 19);
        assert_eq!(size.rows(), LARGEST);
        for _ in 0..20 {
            size.adapt(100 << 20);
        }
        assert_eq!(size.rows(), SMALLEST);
    }
}
