//! `redrive token`: who may come in over HTTP.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use redrive_engine::ops::{self, Records};
use redrive_ledger::{Role, Token};
use serde::Serialize;

use super::session::Why;
use super::{Global, when};
use crate::backend::Backend;
use crate::printer::{Paint, Printer, table};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token for somebody; its secret is shown once
    Create(CreateArgs),
    /// List the tokens, without their secrets
    List,
    /// Take a token away: its bearers and their browsers are not let in any more
    Revoke(RevokeArgs),
}

/// What its bearer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Look
    Viewer,
    /// Decide about orders, batches and the schedule, too
    Operator,
    /// Make and revoke tokens, and set limits, too
    Admin,
}

/// `token create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// What its bearer may do
    #[arg(long, value_name = "ROLE")]
    role: RoleArg,
    /// Whose it is: the name in the audit trail
    #[arg(long, value_name = "NAME", value_parser = ops::token_name)]
    name: String,
    #[command(flatten)]
    why: Why,
}

/// `token revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    why: Why,
}

#[derive(Serialize)]
struct Revoked {
    revoked: String,
}

/// Runs one of them.
pub async fn run(
    command: TokenCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Create(args) => create(args, global, printer).await,
        TokenCommand::List => list(global, printer).await,
        TokenCommand::Revoke(args) => revoke(args, global, printer).await,
    }
}

async fn create(args: CreateArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let backend = Backend::<Records>::records(global).await?;
    let made = backend
        .create_token(args.name, args.role.into(), by)
        .await?;
    printer.data(&made, |made, paint| {
        format!(
            "{} {} ({})\n{} {}",
            paint.bold("Token "),
            made.token.name,
            made.token.role.as_str(),
            paint.bold("Secret"),
            made.secret
        )
    })?;
    printer.hint("the secret is shown this once: keep it where other secrets are kept.");
    Ok(ExitCode::SUCCESS)
}

async fn list(global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let tokens = Backend::<Records>::records(global).await?.tokens().await?;
    printer.data(&tokens, |tokens, paint| text(tokens, paint))?;
    Ok(ExitCode::SUCCESS)
}

async fn revoke(args: RevokeArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let backend = Backend::<Records>::records(global).await?;
    backend.revoke_token(&args.name, by).await?;
    let revoked = Revoked { revoked: args.name };
    printer.data(&revoked, |revoked, _| {
        format!("{}: the token is revoked.", revoked.revoked)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn text(tokens: &[Token], paint: Paint) -> String {
    if tokens.is_empty() {
        return "There are no tokens.".to_owned();
    }
    let mut table = table(["name", "role", "since", "made by"]);
    for token in tokens {
        table.add_row([
            paint.bold(&token.name).to_string(),
            token.role.as_str().to_owned(),
            when::local(token.created_at),
            token.created_by.clone(),
        ]);
    }
    table.trim_fmt()
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Viewer => Self::Viewer,
            RoleArg::Operator => Self::Operator,
            RoleArg::Admin => Self::Admin,
        }
    }
}
