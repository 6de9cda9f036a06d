//! Accounts: how they come to be and change.

use audit_seaorm::AuditContext;
use chrono::Utc;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::Store;
use crate::{
    account::Account,
    config::FirstAdmin,
    entities::user,
    error::Error,
    input::{Email, Name, Password},
    password,
};

impl Store {
    /// A new account that is no admin.
    pub(crate) async fn register(
        &self,
        name: Name,
        email: Email,
        password: Password,
    ) -> Result<Account, Error> {
        self.create_account(name, email, password, false).await
    }

    /// The admin of the configuration, unless there is a user of that name.
    pub(crate) async fn create_first_admin(&self, admin: FirstAdmin) -> Result<(), Error> {
        let name = Name::try_from(admin.name).map_err(Error::invalid)?;
        let password = Password::try_from(admin.password).map_err(Error::invalid)?;
        if self.account_named(name.as_str()).await?.is_some() {
            return Ok(());
        }
        let email = Email::try_from(format!("{}@localhost", name.as_str()));
        let email = email.map_err(Error::invalid)?;
        let created = self.create_account(name, email, password, true);
        AuditContext::new().reason("the first admin").scope(created).await?;
        Ok(())
    }

    pub(crate) async fn account(&self, id: i32) -> Result<Option<Account>, Error> {
        let user = user::Entity::find_by_id(id).one(&self.db).await?;
        Ok(user.map(Account::from))
    }

    pub(crate) async fn account_named(&self, name: &str) -> Result<Option<Account>, Error> {
        // Whoever logs in may send anything, and PostgreSQL takes no NUL.
        let Ok(name) = Name::try_from(name.to_owned()) else { return Ok(None) };
        let user = user::Entity::find().filter(user::Column::Name.eq(name.as_str()));
        Ok(user.one(&self.db).await?.map(Account::from))
    }

    /// Notes the time of a login.
    pub(crate) async fn logged_in(&self, id: i32) -> Result<(), Error> {
        let mut user = self.user(id).await?.into_active_model();
        user.last_login_at = Set(Some(Utc::now()));
        user.update(&self.db).await?;
        Ok(())
    }

    /// Gives an account another password.
    pub(crate) async fn change_password(
        &self,
        id: i32,
        password: Password,
    ) -> Result<Account, Error> {
        let mut user = self.user(id).await?.into_active_model();
        user.password_hash = Set(password::hash(password).await?);
        Ok(user.update(&self.db).await?.into())
    }

    async fn create_account(
        &self,
        name: Name,
        email: Email,
        password: Password,
        admin: bool,
    ) -> Result<Account, Error> {
        let user = user::ActiveModel {
            name: Set(name.into()),
            email: Set(email.into()),
            password_hash: Set(password::hash(password).await?),
            admin: Set(admin),
            created_at: Set(Utc::now()),
            ..Default::default()
        };
        Ok(user.insert(&self.db).await?.into())
    }

    async fn user(&self, id: i32) -> Result<user::Model, Error> {
        let user = user::Entity::find_by_id(id).one(&self.db).await?;
        user.ok_or(Error::NotFound("account"))
    }
}
