//! Activity as bars.

use audit_core::Operation;

use crate::{ActivityBucket, Bucket};

/// How high the picture is, in units of its own; a bar is one unit wide.
const HEIGHT: f64 = 100.0;

/// How high a piece of a bar is at least, however few it stands for.
const LEAST: f64 = 1.5;

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
    pub(super) pieces: [Piece; 5],
    pub(super) total: u64,
}

/// A piece of a bar, of one operation.
#[derive(Debug)]
pub(super) struct Piece {
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
        let mut below = 0.0;
        let counts = [
            (Operation::Create, it.creates),
            (Operation::Update, it.updates),
            (Operation::Delete, it.deletes),
            (Operation::Baseline, it.baselines),
            (Operation::Unknown, it.unknown),
        ];
        let pieces = counts.map(|(operation, count)| {
            let height = if count == 0 { 0.0 } else { part(count, most).max(LEAST) };
            below += height;
            Piece { operation, count, top: HEIGHT - below, height }
        });
        Self { start, left, pieces, total: it.total() }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a picture is no more exact")]
fn part(count: u64, most: u64) -> f64 {
    count as f64 / most.max(1) as f64 * HEIGHT
}

#[cfg(test)]
mod tests {
    use chrono::{Offset, Utc};

    use super::*;
    use crate::OperationStats;

    fn bucket(creates: u64, updates: u64, deletes: u64) -> ActivityBucket {
        let operations = OperationStats { creates, updates, deletes, ..OperationStats::default() };
        ActivityBucket { start: Utc::now().with_timezone(&Utc.fix()), operations }
    }

    #[test]
    fn pieces_stand_on_one_another_and_the_highest_bar_fills_the_picture() {
        let chart =
            Chart::of(&[bucket(50, 25, 25), bucket(0, 50, 0), bucket(0, 0, 0)], Bucket::Day);
        assert_eq!(chart.most, 100);
        let edges = |bar: &Bar| bar.pieces.each_ref().map(|it| (it.top, it.top + it.height));
        assert_eq!(edges(&chart.bars[0])[..3], [(50.0, 100.0), (25.0, 50.0), (0.0, 25.0)]);
        assert_eq!(edges(&chart.bars[1])[1], (50.0, 100.0));
        assert!(chart.bars[2].pieces.iter().all(|it| it.height == 0.0));
    }

    #[test]
    fn one_beside_many_can_be_seen() {
        let chart = Chart::of(&[bucket(1_000_000, 1, 0)], Bucket::Day);
        assert!(chart.bars[0].pieces[1].height >= LEAST);
        assert!(Chart::of(&[], Bucket::Day).ends().is_none());
    }
}
