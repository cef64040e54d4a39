//! Which ledger a URL names: a file of SQLite, or a database of a PostgreSQL server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use crate::LedgerError;

/// Connections to PostgreSQL, where the URL does not say how many: as many as a worker's chunks, and some for the rest.
const MAX_CONNECTIONS: u32 = 10;

/// How long a call waits for a connection, where the URL does not say: a server restarts meanwhile.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// By what a server sees us, where neither the URL nor PGAPPNAME says.
const APPLICATION_NAME: &str = "redrive";

/// The parameters that a URL of PostgreSQL may have: libpq's, as far as the driver knows them, and `max_connections`.
const PARAMETERS: [&str; 15] = [
    "application_name",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "max_connections",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// Where a ledger is. Shown, it is without its password.
#[derive(Clone)]
pub enum LedgerUrl {
    /// A file.
    File(PathBuf),
    /// A database.
    Server(Box<ServerUrl>),
}

/// Where a database is, and how it is connected to.
#[derive(Clone)]
pub struct ServerUrl {
    pub(crate) options: PgConnectOptions,
    pub(crate) max_connections: u32,
    pub(crate) connect_timeout: Duration,
    shown: String,
}

impl LedgerUrl {
    /// The ledger that `url` names: a path, `sqlite:PATH`, or `postgres://...`.
    ///
    /// Errors: [`LedgerError::UnknownKind`], [`LedgerError::BadUrl`].
    pub fn parse(url: &str) -> Result<Self, LedgerError> {
        let unknown = || LedgerError::UnknownKind {
            url: without_password(url),
        };
        let path = match url.split_once(':') {
            Some(("postgres" | "postgresql", _)) => return server(url),
            Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
            Some((kind, _)) if is_kind(kind) => return Err(unknown()),
            _ => url,
        };
        if path.is_empty() {
            return Err(unknown());
        }
        Ok(Self::File(PathBuf::from(path)))
    }

    /// The ledger's file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Server(_) => None,
        }
    }
}

fn server(url: &str) -> Result<LedgerUrl, LedgerError> {
    let shown = without_password(url);
    let bad = |why: String| LedgerError::BadUrl {
        url: shown.clone(),
        why,
    };
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut ours, mut standard) = ((MAX_CONNECTIONS, CONNECT_TIMEOUT), Vec::new());
    for parameter in query.split('&').filter(|text| !text.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let positive = || {
            let number = value.parse().ok().filter(|number: &u32| *number > 0);
            number.ok_or_else(|| bad(format!("{name} is a number from 1 on, not {value:?}")))
        };
        match name {
            "max_connections" => ours.0 = positive()?,
            "connect_timeout" => ours.1 = Duration::from_secs(positive()?.into()),
            _ if PARAMETERS.contains(&name) || name.starts_with("options[") => {
                standard.push(parameter);
            }
            _ => {
                let known = PARAMETERS.join(", ");
                return Err(bad(format!(
                    "there is no parameter {name:?}; there are {known}"
                )));
            }
        }
    }
    let text = format!("{base}?{}", standard.join("&"));
    // The reason may quote the URL's parts, but not its password.
    let options = PgConnectOptions::from_str(&text).map_err(|error| bad(reason(&error)))?;
    let named = options.get_application_name().is_some();
    Ok(LedgerUrl::Server(Box::new(ServerUrl {
        options: match named {
            true => options,
            false => options.application_name(APPLICATION_NAME),
        },
        max_connections: ours.0,
        connect_timeout: ours.1,
        shown,
    })))
}

fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Configuration(why) => why.to_string(),
        other => other.to_string(),
    }
}

/// The URL as it may be shown. What cannot be taken apart loses more rather than less.
fn without_password(url: &str) -> String {
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (url, None),
    };
    let mut shown = match (base.split_once("://"), base.rfind('@')) {
        (Some((kind, rest)), Some(_)) => {
            let (user, place) = rest.rsplit_once('@').unwrap_or(("", rest));
            let user = user.split_once(':').map_or(user, |(user, _)| user);
            format!("{kind}://{user}@{place}")
        }
        _ => base.to_owned(),
    };
    if let Some(query) = query {
        let kept = query
            .split('&')
            .filter(|parameter| !parameter.starts_with("password="));
        let kept: Vec<&str> = kept.collect();
        if !kept.is_empty() {
            shown.push('?');
            shown.push_str(&kept.join("&"));
        }
    }
    shown
}

/// Whether what stands before a colon names a kind of database; in a path, a folder stands there (`./a:b`).
fn is_kind(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
        && !text.starts_with('.')
}

impl fmt::Display for LedgerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(server) => f.write_str(&server.shown),
        }
    }
}

// As it is shown: what is printed for a log has no password either.
impl fmt::Debug for LedgerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl From<&LedgerUrl> for LedgerUrl {
    fn from(url: &LedgerUrl) -> Self {
        url.clone()
    }
}

impl From<&Path> for LedgerUrl {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for LedgerUrl {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<PathBuf> for LedgerUrl {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_or_sqlite_is_a_file() {
        for (url, file) in [
            ("redrive.db", "redrive.db"),
            ("/var/lib/redrive/ledger.db", "/var/lib/redrive/ledger.db"),
            ("sqlite:redrive.db", "redrive.db"),
            ("sqlite:///var/lib/ledger.db", "/var/lib/ledger.db"),
            ("sqlite:/var/lib/ledger.db", "/var/lib/ledger.db"),
            ("./odd:name.db", "./odd:name.db"),
        ] {
            let parsed = LedgerUrl::parse(url).unwrap();
            assert_eq!(parsed.file(), Some(Path::new(file)), "{url}");
        }
    }

    #[test]
    fn what_is_neither_a_file_nor_postgres_is_refused() {
        for url in ["mysql://x", "sqlite:", "http://x", ""] {
            let said = LedgerUrl::parse(url).unwrap_err().to_string();
            assert_eq!(
                said,
                format!(
                    "{url:?} is no ledger: write a file path, sqlite:PATH, or postgres://USER@HOST/DATABASE."
                )
            );
        }
        let said = LedgerUrl::parse("mysql://ann:secret@h/x").unwrap_err();
        assert!(!said.to_string().contains("secret"), "{said}");
    }

    fn parsed(url: &str) -> ServerUrl {
        match LedgerUrl::parse(url).unwrap() {
            LedgerUrl::Server(server) => *server,
            LedgerUrl::File(path) => panic!("{} is a file", path.display()),
        }
    }

    #[test]
    fn a_server_has_the_standard_parameters_and_a_pool() {
        let url = "postgresql://ann:s%40cret@db.example:6543/orders?sslmode=require&max_connections=3&connect_timeout=7";
        let server = parsed(url);
        assert_eq!(server.options.get_host(), "db.example");
        assert_eq!(server.options.get_port(), 6543);
        assert_eq!(server.options.get_database(), Some("orders"));
        assert_eq!(server.max_connections, 3);
        assert_eq!(server.connect_timeout, Duration::from_secs(7));
        assert_eq!(server.options.get_application_name(), Some("redrive"));
        let server = parsed("postgres://h/orders?application_name=shop");
        assert_eq!(server.max_connections, MAX_CONNECTIONS);
        assert_eq!(server.options.get_application_name(), Some("shop"));
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            (
                "postgres://ann:secret@h:5432/orders?sslmode=disable",
                "postgres://ann@h:5432/orders?sslmode=disable",
            ),
            (
                "postgres://ann@h/orders?password=secret",
                "postgres://ann@h/orders",
            ),
            (
                "postgres://h/orders?user=ann&password=secret&sslmode=disable",
                "postgres://h/orders?user=ann&sslmode=disable",
            ),
            (
                "postgres:///orders?host=/run/postgresql",
                "postgres:///orders?host=/run/postgresql",
            ),
        ] {
            let parsed = LedgerUrl::parse(url).unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert_eq!(format!("{parsed:?}"), format!("{shown:?}"));
        }
        for bad in [
            "postgres://ann:secret@h:port/orders",
            "postgres://ann:sec/secret@h/orders",
            "postgres://ann:secret@h/orders?max_connections=many",
        ] {
            let said = format!("{:?}", LedgerUrl::parse(bad).unwrap_err());
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn a_parameter_that_there_is_not_is_named() {
        let said = LedgerUrl::parse("postgres://h/orders?ssl_mode=disable").unwrap_err();
        let said = said.to_string();
        assert!(
            said.contains("there is no parameter \"ssl_mode\""),
            "{said}"
        );
        assert!(said.contains("sslmode"), "{said}");
        let said = LedgerUrl::parse("postgres://h/orders?max_connections=0").unwrap_err();
        assert!(
            said.to_string()
                .contains("max_connections is a number from 1 on"),
            "{said}"
        );
    }
}
