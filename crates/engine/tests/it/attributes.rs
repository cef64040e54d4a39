//! The search attribute `Shop` of a test's namespace: defined and taken away again, as a server's operator does. The
//! server heeds either after a while.

use redrive_fulfillment::testbed::eventually;
use temporalio_common::protos::temporal::api::common::v1::WorkflowType;
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::operatorservice::v1::{
    AddSearchAttributesRequest, RemoveSearchAttributesRequest,
};
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;
use tonic::{Code, Request};

use crate::world::World;

const NAME: &str = "Shop";

/// Defines it with that type.
pub async fn define(world: &World, kind: IndexedValueType) {
    let request = AddSearchAttributesRequest {
        search_attributes: [(NAME.to_owned(), kind as i32)].into(),
        namespace: world.bed.namespace.clone(),
    };
    let service = world.bed.client.connection().operator_service();
    eventually("the attribute to be defined", || {
        let (mut service, request) = (service.clone(), request.clone());
        async move {
            let defined = service.add_search_attributes(Request::new(request)).await;
            defined.ok()
        }
    })
    .await;
}

/// Takes it away.
pub async fn undefine(world: &World) {
    let request = RemoveSearchAttributesRequest {
        search_attributes: vec![NAME.to_owned()],
        namespace: world.bed.namespace.clone(),
    };
    let mut service = world.bed.client.connection().operator_service();
    service
        .remove_search_attributes(Request::new(request))
        .await
        .unwrap();
}

/// Starts a run that bears it, once the server heeds that it is defined.
pub async fn start(world: &World, request: StartWorkflowExecutionRequest) -> String {
    let started = eventually("the attribute to be heeded", || async {
        let mut service = world.bed.service();
        let started = service.start_workflow_execution(Request::new(request.clone()));
        started.await.ok()
    });
    started.await.into_inner().run_id
}

/// Waits until the server refuses such a run.
pub async fn are_refused(world: &World, request: StartWorkflowExecutionRequest) {
    let mut number = 0;
    eventually("the attribute to be refused", || {
        number += 1;
        let request = StartWorkflowExecutionRequest {
            workflow_id: format!("probe-{number}"),
            request_id: format!("probe-{number}"),
            workflow_type: Some(WorkflowType {
                name: "Probe".into(),
            }),
            ..request.clone()
        };
        let mut service = world.bed.service();
        async move {
            let refused = service
                .start_workflow_execution(Request::new(request))
                .await;
            let refused = refused.err()?;
            (refused.code() == Code::InvalidArgument).then_some(())
        }
    })
    .await;
}
