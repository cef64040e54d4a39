//! Links into Temporal's own pages.

use redrive_core::ids::WorkflowId;
use url::Url;

/// Where Temporal's pages are, for one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links(Option<(Url, String)>);

impl Links {
    /// The pages at `base`, say `https://temporal.example`; none where it is no address.
    pub fn new(base: &str, namespace: &str) -> Self {
        let base = Url::parse(base.trim_end_matches('/')).ok();
        Self(base.map(|base| (base, namespace.to_owned())))
    }

    /// No links.
    pub fn none() -> Self {
        Self(None)
    }

    /// The page of a run.
    pub fn run(&self, workflow_id: &WorkflowId, run_id: &str) -> Option<String> {
        let (base, namespace) = self.0.as_ref()?;
        let mut url = base.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend([
            "namespaces",
            namespace,
            "workflows",
            workflow_id.as_str(),
            run_id,
        ]);
        Some(url.to_string())
    }
}
