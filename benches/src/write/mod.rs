//! `audit-benches write`: what writes cost.

mod case;
mod check;
mod contender;
mod floor;
mod orm;
mod rounds;

use std::path::{Path, PathBuf};

pub(crate) use case::Write;

use crate::{
    Result,
    args::Options,
    database::Scratch,
    report::{self, Line},
};
use case::Case;

pub(crate) async fn run(options: &Options) -> Result<()> {
    let scratch = Scratch::create(options.backend, options.url.as_deref()).await?;
    let outcome = measure(&scratch, options).await;
    let removed = scratch.remove().await;
    let lines = outcome?;
    eprintln!("{}", report::table(&lines));
    let file = options.svg.clone().unwrap_or_else(|| default_plot(options));
    report::plot(&lines, &title(options), &file)?;
    eprintln!("plot: {}", file.display());
    removed
}

async fn measure(scratch: &Scratch, options: &Options) -> Result<Vec<Line>> {
    eprintln!("{}", report::header(scratch, options.rounds));
    scratch.create_tables().await?;
    let mut lines = Vec::new();
    for case in Case::named(&options.case) {
        let line = rounds::measure(scratch, case, options.rounds).await?;
        println!("{}", serde_json::to_string(&line)?);
        lines.push(line);
    }
    Ok(lines)
}

fn title(options: &Options) -> String {
    format!("Writes on {}: times of plain SeaORM", options.backend)
}

fn default_plot(options: &Options) -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/benches");
    target.join(format!("write-{}.svg", options.backend))
}
