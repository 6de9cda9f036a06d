//! What is made of many measurements of one thing.

/// The contenders, in another order each time: none is always the one after the slowest.
pub(crate) fn in_turn(time: usize, contenders: usize) -> impl Iterator<Item = usize> {
    (0..contenders).map(move |turn| (time + turn) % contenders)
}

pub(crate) fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    if samples.len() % 2 == 1 {
        samples[middle]
    } else {
        f64::midpoint(samples[middle - 1], samples[middle])
    }
}
