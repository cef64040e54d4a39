//! Both ways in which commands work: on the ledger and Temporal themselves, and through a server.

/// Makes two tests of each function, which is told the way: `ledger::name` and `server::name`.
///
/// Snapshots in them need names, for both are compared with the same one.
macro_rules! both_ways {
    ($($name:ident),+ $(,)?) => {
        both_ways!(@ledger Ledger: $($name),+);
        both_ways!(@server Server: $($name),+);
    };
    (@$module:ident $way:ident: $($name:ident),+) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(crate::site::Way::$way).await;
                }
            )+
        }
    };
}

pub(crate) use both_ways;
