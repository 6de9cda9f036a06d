//! Noticing a change: its before-image, the write itself, its after-image, in one unit.
//!
//! Two ways lead here. A call on a concrete `ActiveModel` comes through the inherent methods that the
//! derive makes, into [`operation`]; a call through `SeaORM`'s traits comes through the hooks, into
//! [`hooks`]. Both do the same to a row, which is in [`row`].

mod any;
mod before_image;
pub(crate) mod bulk;
mod cascade;
mod escape;
mod executor;
mod former;
mod ground;
mod hooks;
pub mod links;
mod opened;
mod operation;
mod pauses;
mod returning;
pub(crate) mod row;
mod sent;
pub(crate) mod shield;
mod target;
mod turn;
mod unit;
mod user;
mod write;

pub(crate) use before_image::Intent;
pub(crate) use executor::Executor;
pub(crate) use ground::Ground;
pub use hooks::{after_delete, after_save, before_delete, before_save};
pub use operation::{delete, delete_model, insert, save, update, update_without_returning};
pub(crate) use sent::Sent;
pub(crate) use target::Target;
pub(crate) use unit::perform;
pub(crate) use user::require_user;
pub(crate) use write::{Answer, Job, Write};

use sea_orm::{ActiveModelTrait, EntityTrait};

pub(crate) type ModelOf<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Model;
