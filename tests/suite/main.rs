//! The suite: every behaviour on every backend, in one binary.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(missing_docs, unreachable_pub, reason = "entities are written as applications write them")]
#![allow(clippy::large_futures, reason = "a test is one long future")]
// A test of writes in a transaction in a transaction of a generic pool, awaited from a macro, is deep.
#![recursion_limit = "256"]

use std::process::ExitCode;

use audit_tests::Test;

mod again;
mod all_tables;
mod append_only;
mod background;
mod baseline;
mod blinded;
mod blog;
mod bulk;
mod capture;
mod cascade;
mod cascade_keys;
mod clocks;
mod concurrency;
mod control;
mod conversion;
mod crash;
mod damage;
mod definer;
mod docs;
mod engine;
mod entities;
mod errors;
mod escape;
mod failure;
mod grammar;
mod guard;
mod harness;
mod health;
mod history;
mod hooks;
mod keys;
mod lexemes;
mod measure;
mod migration;
mod migrators;
mod mirror;
mod misfits;
mod moments;
mod no_phantom;
mod one_statement;
mod output;
mod parents;
mod partition;
mod policy;
mod property;
mod query;
mod rbac;
mod redacted_reads;
mod regress;
mod relations;
mod renamed;
mod restore;
mod restore_exceptions;
mod retention;
mod rolled_back;
mod rules;
mod stats;
mod support;
mod tenants;
mod time_forms;
mod transaction;
mod two_years;
mod ui;
mod upkeep;
mod user_policy;
mod values;
mod verify;
mod viewer;
mod web;
mod who;
mod without_returning;
mod write_paths;

fn main() -> ExitCode {
    if let Some(url) = crash::writer_url() {
        return crash::write_for_ever(&url);
    }
    if let Some(url) = background::writer_url() {
        return background::write_for_ever(&url);
    }
    if let Some(url) = clocks::writer_url() {
        return clocks::write_when_told(&url);
    }
    if let Some(url) = baseline::child_url() {
        return baseline::run_as_child(&url);
    }
    if let Some(url) = rolled_back::full_url() {
        return rolled_back::write_on_a_full_disk(&url);
    }
    if let Some(code) = rules::as_child() {
        return code;
    }
    audit_tests::run(all_tests())
}

fn all_tests() -> Vec<Test> {
    [
        again::tests(),
        all_tables::tests(),
        append_only::tests(),
        background::all_tests(),
        baseline::tests(),
        blinded::tests(),
        blog::all_tests(),
        bulk::tests(),
        capture::tests(),
        cascade::tests(),
        cascade_keys::tests(),
        clocks::tests(),
        concurrency::tests(),
        control::tests(),
        conversion::tests(),
        crash::tests(),
        definer::tests(),
        docs::tests(),
        engine::tests(),
        errors::tests(),
        escape::tests(),
        failure::tests(),
        grammar::tests(),
        guard::tests(),
        harness::tests(),
        health::tests(),
        history::tests(),
        hooks::tests(),
        keys::tests(),
        lexemes::tests(),
        measure::tests(),
        migration::tests(),
        mirror::tests(),
        misfits::tests(),
        moments::tests(),
        no_phantom::tests(),
        one_statement::tests(),
        output::tests(),
        parents::tests(),
        partition::tests(),
        policy::tests(),
        property::tests(),
        query::tests(),
        rbac::tests(),
        redacted_reads::tests(),
        regress::tests(),
        relations::tests(),
        renamed::tests(),
        restore::tests(),
        restore_exceptions::tests(),
        retention::tests(),
        rolled_back::tests(),
        rules::tests(),
        stats::tests(),
        tenants::tests(),
        time_forms::tests(),
        transaction::tests(),
        two_years::tests(),
        ui::tests(),
        upkeep::tests(),
        user_policy::tests(),
        values::tests(),
        verify::tests(),
        viewer::all_tests(),
        web::tests(),
        who::tests(),
        without_returning::tests(),
        write_paths::tests(),
    ]
    .concat()
}
