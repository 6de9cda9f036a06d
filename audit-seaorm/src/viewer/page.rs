//! A page, or why there is none.

use askama::Template;
use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{Html, IntoResponse, Response},
};
use sea_orm::DbErr;

use super::{headers::secure, parameters::Fault};

/// What a handler gives.
pub(super) type Answer = Result<Response, Problem>;

/// A page that is there.
pub(super) fn page(template: &impl Template) -> Answer {
    page_with(StatusCode::OK, template)
}

pub(super) fn page_with(status: StatusCode, template: &impl Template) -> Answer {
    let html = template.render().map_err(|error| Problem::internal(&error))?;
    Ok(secure((status, Html(html)).into_response()))
}

/// The style of all pages.
pub(super) async fn style() -> Response {
    let style = include_str!("../../templates/viewer/style.css");
    secure(([(CONTENT_TYPE, "text/css; charset=utf-8")], style).into_response())
}

/// A page that says why there is none.
#[derive(Debug, Template)]
#[template(path = "viewer/problem.html")]
pub(super) struct Problem {
    status: StatusCode,
    title: &'static str,
    advice: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, title: &'static str, advice: impl Into<String>) -> Self {
        Self { status, title, advice: advice.into() }
    }

    pub(super) fn invalid(advice: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "This cannot be asked", advice)
    }

    /// Of the first parameter that cannot be read, if there is one.
    pub(super) fn of(faults: &[Fault]) -> Result<(), Self> {
        let told = |fault: &Fault| format!("`{}` must be {}.", fault.name, fault.allowed);
        faults.first().map_or(Ok(()), |fault| Err(Self::invalid(told(fault))))
    }

    /// What went wrong is for the log, and not for whoever looks.
    fn internal(error: &dyn std::error::Error) -> Self {
        tracing::error!(error = %error, "the history page cannot be shown");
        let advice =
            "The trail cannot be read at the moment. The log of the application has the reason.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", advice)
    }
}

impl From<DbErr> for Problem {
    fn from(error: DbErr) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self.render() {
            Ok(html) => secure((self.status, Html(html)).into_response()),
            Err(_) => secure((self.status, self.title).into_response()),
        }
    }
}
