//! Facts as close events give them: wrappers, blanks, timeouts.

use super::*;

fn wrapped() -> Vec<Cause> {
    vec![
        Cause::activity("buy_label", "activity error"),
        Cause::timeout(TimeoutKind::StartToClose, "activity StartToClose timeout"),
        Cause::application("HttpError", "503 from the label service"),
    ]
}

#[test]
fn the_kind_is_the_outermost_ones() {
    assert_eq!(
        FailureFacts::application("shipping_failed", "no").kind,
        FailureKind::Application
    );
    assert_eq!(FailureFacts::new(wrapped()).kind, FailureKind::Other);
    assert_eq!(
        FailureFacts::run_timed_out().kind,
        FailureKind::WorkflowTimeout
    );
}

#[test]
fn the_message_is_the_most_telling_one() {
    let own_and_inner = vec![
        Cause::application("shipping_failed", " no carrier took it "),
        Cause::application("HttpError", "503"),
    ];
    let blank_then_inner = vec![
        Cause::application("shipping_failed", " "),
        Cause::application("HttpError", "503"),
    ];
    let blank_innermost = vec![
        Cause::activity("buy_label", "activity error"),
        Cause::application("", ""),
    ];
    let table = [
        (own_and_inner, "no carrier took it"),
        (blank_then_inner, "503"),
        (wrapped(), "503 from the label service"),
        (blank_innermost, "activity error"),
        (vec![], ""),
    ];
    for (chain, message) in table {
        assert_eq!(FailureFacts::new(chain).message(), message);
    }
    assert_eq!(
        FailureFacts::run_timed_out().message(),
        RUN_TIMED_OUT_MESSAGE
    );
}

#[test]
fn a_blank_type_is_no_type() {
    for blank in ["", "  "] {
        assert_eq!(Cause::application(blank, "x").failure_type, None);
    }
}

#[test]
fn the_outermost_application_may_sit_below_a_wrapper() {
    let facts = FailureFacts::new(wrapped());
    let found = facts.outermost_application().unwrap();
    assert_eq!(found.failure_type.as_deref(), Some("HttpError"));
    assert!(
        FailureFacts::run_timed_out()
            .outermost_application()
            .is_none()
    );
}

#[test]
fn facts_keep_their_meaning_as_json() {
    let facts = FailureFacts::new(wrapped());
    let json = serde_json::to_value(&facts).unwrap();
    assert_eq!(json["chain"][1]["timeout"], "start_to_close");
    assert_eq!(serde_json::from_value::<FailureFacts>(json).unwrap(), facts);
}

#[test]
fn timeout_kinds_are_read_by_name() {
    for name in TimeoutKind::NAMES {
        assert_eq!(name.parse::<TimeoutKind>().unwrap().to_string(), name);
    }
    assert_eq!(
        "start_to_closed".parse::<TimeoutKind>().unwrap_err(),
        "unknown timeout kind \"start_to_closed\": write one of start_to_close, schedule_to_start, \
         schedule_to_close, heartbeat (did you mean \"start_to_close\"?)"
    );
}
