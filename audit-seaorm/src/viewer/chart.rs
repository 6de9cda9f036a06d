//! Activity as bars.

use audit_core::Operation;

use crate::{ActivityBucket, Bucket};

/// How high the picture is, in units of its own; a bar is one unit wide.
const HEIGHT: f64 = 100.0;

/// Bars of one stretch of time each.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) bars: Vec<Bar>,
    /// What the highest bar stands for.
    pub(super) most: u64,
    /// What a bar stands for.
    pub(super) unit: &'static str,
}

/// One stretch of time.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) start: String,
    /// Its left edge.
    pub(super) left: usize,
    pub(super) counts: [Count; 4],
    pub(super) total: u64,
}

/// A piece of a bar, of one operation.
#[derive(Debug)]
pub(super) struct Count {
    pub(super) operation: Operation,
    pub(super) count: u64,
    /// Its upper edge, from above.
    pub(super) top: f64,
    pub(super) height: f64,
}

impl Chart {
    pub(super) fn of(buckets: &[ActivityBucket], bucket: Bucket) -> Self {
        let most = buckets.iter().map(|it| it.operations.total()).max().unwrap_or_default();
        let (format, unit) = match bucket {
            Bucket::Hour => ("%Y-%m-%d %H:%M", "hour"),
            Bucket::Day => ("%Y-%m-%d", "day"),
            Bucket::Week => ("%Y-%m-%d", "week"),
            Bucket::Month => ("%Y-%m", "month"),
        };
        let bar = |(left, it): (usize, &ActivityBucket)| {
            Bar::of(it, it.start.format(format).to_string(), left, most)
        };
        Self { bars: buckets.iter().enumerate().map(bar).collect(), most, unit }
    }

    /// From first to last.
    pub(super) fn ends(&self) -> Option<(&str, &str)> {
        Some((&self.bars.first()?.start, &self.bars.last()?.start))
    }
}

impl Bar {
    fn of(bucket: &ActivityBucket, start: String, left: usize, most: u64) -> Self {
        let it = bucket.operations;
        let mut below = 0;
        let counts = [
            (Operation::Create, it.creates),
            (Operation::Update, it.updates),
            (Operation::Delete, it.deletes),
            (Operation::Baseline, it.baselines),
        ];
        let counts = counts.map(|(operation, count)| {
            below += count;
            let top = HEIGHT - part(below, most);
            Count { operation, count, top, height: part(count, most) }
        });
        Self { start, left, counts, total: it.total() }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a picture is no more exact")]
fn part(count: u64, most: u64) -> f64 {
    count as f64 / most.max(1) as f64 * HEIGHT
}
