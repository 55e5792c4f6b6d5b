//! `drover operator`: who may call the MDM and admin APIs. Passwords are printed once and cannot be asked for again.

use std::{
    io::{self, BufRead},
    process::ExitCode,
};

use anyhow::Context;
use drover_domain::Role;
use drover_service::{Actor, NewOperator, Operator, Secret, Service};

use crate::{
    cli::{self, OperatorLogin},
    config::Config,
    startup::ready,
    system::account_name,
};

pub(crate) async fn run(config: Config, command: cli::Operator) -> anyhow::Result<ExitCode> {
    let mut installation = ready(config).await?;
    let done = carry_out(&installation.service, command).await;
    installation.close().await?;
    for line in done? {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Carries a command out. Returns what is to be printed.
async fn carry_out(service: &Service, command: cli::Operator) -> anyhow::Result<Vec<String>> {
    match command {
        cli::Operator::Add { login, name, role, organisation, runs_installation, password_stdin } => {
            let password = Password::choose(service, password_stdin)?;
            let id = add(service, &login, name, (role, organisation), password.secret.clone()).await?;
            if runs_installation {
                service.set_runs_installation(&by(), id, true).await?;
            }
            Ok([format!("operator  {id}")].into_iter().chain(password.line()).collect())
        }
        cli::Operator::Installation { login, withdraw } => {
            let (_, operator) = find(service, &login).await?;
            service.set_runs_installation(&by(), operator, !withdraw).await?;
            let what = if withdraw { "withdrawn" } else { "granted  " };
            Ok(vec![format!("{what} {}", login.login)])
        }
        cli::Operator::Password { login, password_stdin } => {
            let (owner, operator) = find(service, &login).await?;
            let password = Password::choose(service, password_stdin)?;
            service.set_operator_password(&owner, operator, &password.secret).await?;
            Ok([format!("changed   {}", login.login)].into_iter().chain(password.line()).collect())
        }
        cli::Operator::Disable { login } => {
            let (owner, operator) = find(service, &login).await?;
            service.set_operator_disabled(&owner, operator, true).await?;
            Ok(vec![format!("disabled  {}", login.login)])
        }
    }
}

/// Who carries commands out, in the audit.
fn by() -> Actor {
    Actor::command_line(account_name())
}

async fn add(
    service: &Service,
    login: &OperatorLogin,
    name: String,
    (role, organisation): (Role, Option<String>),
    password: Secret,
) -> anyhow::Result<drover_domain::OperatorId> {
    let owner = service.owner_of(&login.tenant).await?;
    let organisation = match organisation {
        Some(code) => Some(service.organisation_by_code(&owner, &code).await?.id),
        None => None,
    };
    let new = NewOperator { login_id: login.login.clone(), name, role, organisation, password };
    Ok(service.add_operator(&owner, new).await?.id)
}

async fn find(service: &Service, login: &OperatorLogin) -> anyhow::Result<(Operator, drover_domain::OperatorId)> {
    let owner = service.owner_of(&login.tenant).await?;
    let found = service.operator_by_login(&login.tenant, &login.login).await?;
    Ok((owner, found.id))
}

/// A password, and whether whoever called knows it.
struct Password {
    secret: Secret,
    is_given: bool,
}

impl Password {
    fn choose(service: &Service, from_stdin: bool) -> anyhow::Result<Self> {
        if !from_stdin {
            return Ok(Self { secret: service.random_password(), is_given: false });
        }
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).context("cannot read the password from standard input")?;
        Ok(Self { secret: Secret::new(line.trim_end_matches(['\r', '\n'])), is_given: true })
    }

    fn line(self) -> Option<String> {
        (!self.is_given).then(|| format!("password  {}", self.secret.expose()))
    }
}
