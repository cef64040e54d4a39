//! Who may come in over HTTP: tokens, and the sessions of browsers that signed in with one.
//!
//! A secret is 256 random bits, so its plain SHA-256 is as good as a slow hash is for a password.

use jiff::SignedDuration;
use rand::TryRngCore;
use rand::rngs::OsRng;
use redrive_core::digest;
use redrive_ledger::{NewAuditEvent, Role, Token};

use super::{OpsError, Records, Result};

/// What every token begins with, so that people and scanners for secrets know one.
const PREFIX: &str = "redrive_";
/// The longest name.
const LONGEST_NAME: usize = 64;

/// For so long a browser stays signed in.
pub const SESSION: SignedDuration = SignedDuration::from_hours(12);

/// What its bearer shows. It is told once and kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    fn new() -> Self {
        let mut bytes = [0; 32];
        OsRng
            .try_fill_bytes(&mut bytes)
            .expect("an operating system without randomness runs nothing of this");
        Self(PREFIX.to_owned() + &digest::hex(&bytes))
    }

    /// What somebody shows as one.
    pub fn shown(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// It, for the one who is to have it.
    pub fn tell(&self) -> &str {
        &self.0
    }

    /// What the ledger knows it by.
    fn hash(&self) -> String {
        digest::sha256(&self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// A name for a token, if `text` is one.
///
/// Errors: why it is none, as a sentence.
pub fn token_name(text: &str) -> std::result::Result<String, String> {
    let fits = (1..=LONGEST_NAME).contains(&text.chars().count());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@ ".contains(c);
    if fits && text.chars().all(plain) && text.trim() == text {
        return Ok(text.to_owned());
    }
    Err(format!(
        "a token's name has 1 to {LONGEST_NAME} letters of ASCII, digits, spaces, and -_.@"
    ))
}

impl Records {
    /// Makes a token. The secret is known to nobody afterwards.
    pub async fn create_token(
        &self,
        name: &str,
        role: Role,
        by: &NewAuditEvent,
    ) -> Result<(Token, Secret)> {
        let secret = Secret::new();
        let added = self
            .desk
            .add_token(name, role, &secret.hash(), by, self.clock.now())
            .await?;
        let token = added.ok_or_else(|| OpsError::TokenExists {
            name: name.to_owned(),
        })?;
        Ok((token, secret))
    }

    /// All tokens.
    pub async fn tokens(&self) -> Result<Vec<Token>> {
        Ok(self.desk.tokens().await?)
    }

    /// Takes a token away: its bearers and their browsers are not let in any more.
    pub async fn revoke_token(&self, name: &str, by: &NewAuditEvent) -> Result<()> {
        if self.desk.remove_token(name, by, self.clock.now()).await? {
            return Ok(());
        }
        Err(OpsError::NoSuchToken {
            name: name.to_owned(),
        })
    }

    /// The token whose secret that is.
    pub async fn bearer(&self, secret: &Secret) -> Result<Option<Token>> {
        Ok(self.desk.token(&secret.hash()).await?)
    }

    /// Signs a browser in that shows a token's secret: whose it is, and what the browser is to keep.
    pub async fn sign_in(&self, secret: &Secret) -> Result<Option<(Token, Secret)>> {
        let Some(token) = self.bearer(secret).await? else {
            return Ok(None);
        };
        let (kept, now) = (Secret::new(), self.clock.now());
        let begun = self
            .desk
            .begin_session(&kept.hash(), &token.name, now + SESSION, now)
            .await?;
        Ok(begun.then_some((token, kept)))
    }

    /// The token that a browser has signed in with.
    pub async fn signed_in(&self, kept: &Secret) -> Result<Option<Token>> {
        Ok(self.desk.session(&kept.hash(), self.clock.now()).await?)
    }

    /// Signs a browser out.
    pub async fn sign_out(&self, kept: &Secret) -> Result<()> {
        Ok(self.desk.end_session(&kept.hash()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_hash_alone() {
        let (one, other) = (Secret::new(), Secret::new());
        assert_ne!(one, other);
        assert_eq!(one.tell().len(), PREFIX.len() + 64);
        assert_eq!(Secret::shown(one.tell()).hash(), one.hash());
        assert_eq!(format!("{one:?}"), "Secret");
        assert_eq!(Secret::shown("abc").hash(), digest::sha256("abc"));
    }

    #[test]
    fn a_name_is_short_and_plain() {
        for name in [
            "night shift",
            "ann@example.com",
            "gruppe-a.1",
            &"x".repeat(64),
        ] {
            assert_eq!(token_name(name).as_deref(), Ok(name));
        }
        for name in [
            "",
            " ",
            " ann",
            "ann ",
            "a\nb",
            "<b>",
            "a/b",
            "gruppe-ä.1",
            &"x".repeat(65),
        ] {
            assert!(token_name(name).is_err(), "{name:?}");
        }
    }
}
