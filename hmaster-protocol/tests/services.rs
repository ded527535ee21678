//! Dispatch: exact names, checked requests, and an error for what isn't implemented.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::FutureExt as _;
use hmaster_protocol::services::master_service::MasterService;
use hmaster_protocol::services::{
    access_control_service, admin_service, authentication_service, bootstrap_node_service,
    client_meta_service, client_service, connection_registry_service, hbck_service, lock_service,
    master_service, multi_row_mutation_service, region_server_status_service, rs_group_admin_service,
    visibility_labels_service,
};
use hmaster_protocol::{FILE_DESCRIPTOR_SET, Method, RpcService, decode_slice, pb};
use hmaster_types::{JavaException, class};
use prost::Message as _;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

/// Implements two methods of 97.
#[derive(Debug)]
struct Master;

#[async_trait]
impl MasterService<u32> for Master {
    async fn truncate_table(
        &self,
        ctx: &u32,
        request: pb::TruncateTableRequest,
    ) -> Result<pb::TruncateTableResponse, JavaException> {
        let proc_id = u64::from(*ctx) + u64::from(request.preserve_splits());
        Ok(pb::TruncateTableResponse { proc_id: Some(proc_id) })
    }

    async fn stop_master(
        &self,
        _ctx: &u32,
        _request: pb::StopMasterRequest,
    ) -> Result<pb::StopMasterResponse, JavaException> {
        Err(JavaException::new(class::ACCESS_DENIED, "no"))
    }
}

fn call(method: &str, request: &[u8]) -> Result<Bytes, JavaException> {
    let request = Bytes::copy_from_slice(request);
    master_service::dispatch(&Master, &40, method, request).now_or_never().expect("nothing to wait for")
}

fn truncate() -> Vec<u8> {
    let table_name = pb::TableName { namespace: "default".into(), qualifier: "t".into() };
    pb::TruncateTableRequest { table_name, preserve_splits: Some(true), nonce_group: None, nonce: None }
        .encode_to_vec()
}

#[test]
fn methods_are_called_by_exact_name() {
    let answer = call("truncateTable", &truncate()).unwrap();
    assert_eq!(decode_slice::<pb::TruncateTableResponse>(&answer).unwrap().proc_id, Some(41));
    assert_eq!(master_service::TRUNCATE_TABLE.name(), "truncateTable");
    let error = call("TruncateTable", &truncate()).unwrap_err();
    assert!(error.is(class::DO_NOT_RETRY_IO), "{error}");
}

#[test]
fn what_is_not_implemented_refuses() {
    for method in
        master_service::METHODS.iter().filter(|&&method| !["truncateTable", "StopMaster"].contains(&method))
    {
        let error = call(method, &[]).expect_err(method);
        // A request with required fields is refused before anybody looks for the method's body.
        assert!(
            error.is(class::DO_NOT_RETRY_IO) || error.class.ends_with("UninitializedMessageException"),
            "{error}"
        );
    }
    let error = call("IsMasterRunning", &[]).unwrap_err();
    assert_eq!(error.message, "java.lang.UnsupportedOperationException: IsMasterRunning");
    assert!(error.do_not_retry);
}

#[test]
fn an_error_of_the_method_passes_through() {
    assert!(call("StopMaster", &[]).unwrap_err().is(class::ACCESS_DENIED));
}

#[test]
fn bad_requests_do_not_reach_the_method() {
    let error = call("truncateTable", &[]).unwrap_err();
    assert!(error.class.ends_with(".UninitializedMessageException"), "{error}");
    assert!(error.message.ends_with("Message missing required fields: tableName"), "{error}");
    let error = call("truncateTable", &[0x0a, 9]).unwrap_err();
    assert!(error.class.ends_with(".InvalidProtocolBufferException"), "{error}");
    assert!(!error.do_not_retry);
}

#[test]
fn a_service_can_be_held_without_its_type() {
    let services: Vec<Box<dyn RpcService<u32>>> = vec![Box::new(master_service::Server(Arc::new(Master)))];
    assert_eq!((services[0].name(), services[0].methods().len()), ("MasterService", 97));
    let answer = services[0].dispatch(&1, "truncateTable", truncate().into()).now_or_never().unwrap();
    assert_eq!(decode_slice::<pb::TruncateTableResponse>(&answer.unwrap()).unwrap().proc_id, Some(2));
}

#[test]
fn a_client_names_a_call_by_a_constant() {
    fn named<Q: Default, A: Default>(_: Method<Q, A>) -> (Q, A) {
        Default::default()
    }
    let (_request, _answer): (pb::CreateTableRequest, pb::CreateTableResponse) =
        named(master_service::CREATE_TABLE);
    assert_eq!(master_service::CREATE_TABLE.to_string(), "MasterService.CreateTable");
}

/// No service and no method is left out of the generated code.
#[test]
fn every_service_of_the_descriptors_is_there() {
    let mut generated = vec![
        (access_control_service::NAME, access_control_service::METHODS),
        (admin_service::NAME, admin_service::METHODS),
        (authentication_service::NAME, authentication_service::METHODS),
        (bootstrap_node_service::NAME, bootstrap_node_service::METHODS),
        (client_meta_service::NAME, client_meta_service::METHODS),
        (client_service::NAME, client_service::METHODS),
        (connection_registry_service::NAME, connection_registry_service::METHODS),
        (hbck_service::NAME, hbck_service::METHODS),
        (lock_service::NAME, lock_service::METHODS),
        (master_service::NAME, master_service::METHODS),
        (multi_row_mutation_service::NAME, multi_row_mutation_service::METHODS),
        (region_server_status_service::NAME, region_server_status_service::METHODS),
        (rs_group_admin_service::NAME, rs_group_admin_service::METHODS),
        (visibility_labels_service::NAME, visibility_labels_service::METHODS),
    ];
    generated.sort_unstable();
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let mut described: Vec<_> = set.file.iter().flat_map(|file| &file.service).collect();
    described.sort_by_key(|service| service.name());
    assert_eq!(generated.len(), described.len());
    for ((name, methods), service) in generated.into_iter().zip(described) {
        assert_eq!(name, service.name());
        assert!(
            methods.iter().copied().eq(service.method.iter().map(MethodDescriptorProto::name)),
            "{name}: {methods:?}"
        );
    }
}
