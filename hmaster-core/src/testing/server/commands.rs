//! Commands from masters.

use std::collections::BTreeMap;
use std::time::Duration;

use hmaster_procedure::simple_class_name;
use hmaster_protocol::pb;
use hmaster_protocol::pb::region_state_transition::TransitionCode;
use hmaster_types::{EncodedName, JavaException, RegionInfo, ServerName, class};
use prost::Message as _;

use super::Transit;
use super::data::Failure;
use crate::testing::World;
use crate::testing::faults::Call;
use crate::testing::link::snapshots::manifest;

/// Pause before another look at a region that is being opened or closed.
const BACKOFF: Duration = Duration::from_millis(100);

/// Takes a request; what becomes of it is reported.
pub(in crate::testing) fn accept(
    world: &World,
    server: &ServerName,
    request: &pb::ExecuteProceduresRequest,
) -> Result<(), JavaException> {
    let opens = request.open_region.iter().map(|open| open.server_start_code);
    let closes = request.close_region.iter().map(|close| close.server_start_code);
    for start_code in opens.chain(closes).flatten() {
        check_start_code(server, start_code)?;
    }
    for open in &request.open_region {
        for info in &open.open_info {
            let region = RegionInfo::try_from(&info.region)?;
            let command = Command::new(server, info.open_proc_id, open.initiating_master_active_time);
            if command.is_new(world) {
                spawn(world, server, open_region(world.clone(), command, region));
            }
        }
    }
    for close in &request.close_region {
        let command = Command::new(server, close.close_proc_id, close.initiating_master_active_time);
        if command.is_new(world) {
            let region = EncodedName::try_from(&close.region)?;
            spawn(world, server, close_region(world.clone(), command, region));
        }
    }
    // Callables aren't told apart by their ids: one that comes again runs again.
    for procedure in &request.proc {
        let pid = Some(procedure.proc_id.cast_signed());
        let command = Command::new(server, pid, procedure.initiating_master_active_time);
        spawn(world, server, run_callable(world.clone(), command, procedure.clone()));
    }
    Ok(())
}

/// Takes a request to close a region that nobody has in hand.
pub(in crate::testing) fn close_stray(
    world: &World,
    server: &ServerName,
    request: &pb::CloseRegionRequest,
) -> Result<(), JavaException> {
    check_start_code(server, request.server_start_code.unwrap_or(server.start_code().0))?;
    let region = EncodedName::try_from(&request.region)?;
    let command = Command::new(server, Some(-1), request.initiating_master_active_time);
    spawn(world, server, close_region(world.clone(), command, region));
    Ok(())
}

fn check_start_code(server: &ServerName, start_code: u64) -> Result<(), JavaException> {
    match start_code == server.start_code().0 {
        true => Ok(()),
        false => {
            Err(JavaException::new(class::DO_NOT_RETRY_IO, "This RPC was intended for a different server"))
        }
    }
}

struct Command {
    server: ServerName,
    pid: i64,
    initiating: Option<i64>,
}

impl Command {
    fn new(server: &ServerName, pid: Option<i64>, initiating: Option<i64>) -> Self {
        Self { server: server.clone(), pid: pid.unwrap_or(-1), initiating }
    }

    /// One that was given before is ignored.
    fn is_new(&self, world: &World) -> bool {
        world.with(|state| state.server_mut(&self.server).pids.insert(self.pid.cast_unsigned()))
    }
}

fn spawn(world: &World, server: &ServerName, task: impl Future<Output = ()> + Send + 'static) {
    let life = world.with(|state| state.server_mut(server).life.clone());
    tokio::spawn(async move {
        tokio::select! {
            biased;
            () = life.cancelled() => {}
            () = task => {}
        }
    });
}

async fn open_region(world: World, command: Command, region: RegionInfo) {
    let (name, server) = (region.encoded_name(), &command.server);
    loop {
        world.awake(server).await;
        let transit = world.with(|state| {
            let own = state.server_mut(server);
            if own.regions.get(&name).is_some_and(|region| region.is_online) {
                return Some(Transit::Opening);
            }
            let transit = own.transitions.get(&name).copied();
            if transit.is_none() {
                own.transitions.insert(name, Transit::Opening);
            }
            transit
        });
        match transit {
            Some(Transit::Opening) => return,
            Some(Transit::Closing) => tokio::time::sleep(BACKOFF).await,
            None => break,
        }
    }
    world.work(server).await;
    let opened = world.with(|state| {
        if state.faults.scripted_open_failure(name) || world.chance().happens(state.faults.opens) {
            return Err(Failure::Refused(JavaException::new(class::IO, "opening fails")));
        }
        state.load_region(server, &region)
    });
    let (code, open_seq_num) = match opened {
        Ok(sequence_id) => (TransitionCode::Opened, Some(sequence_id)),
        Err(Failure::Refused(error)) => {
            tracing::info!(server = %server, region = %name, %error, "a region can't be opened");
            (TransitionCode::FailedOpen, None)
        }
        Err(Failure::Fenced) => return world.abort_server(server, "its WALs are gone"),
    };
    if code == TransitionCode::FailedOpen {
        world.with(|state| state.server_mut(server).transitions.remove(&name));
    }
    if !report(&world, &command, code, &region, open_seq_num).await || code == TransitionCode::FailedOpen {
        return;
    }
    world.with(|state| {
        let own = state.server_mut(server);
        own.transitions.remove(&name);
        if let Some(region) = own.regions.get_mut(&name) {
            region.is_online = true;
        }
    });
}

async fn close_region(world: World, command: Command, region: EncodedName) {
    let server = &command.server;
    let info = loop {
        world.awake(server).await;
        let found = world.with(|state| {
            let own = state.server_mut(server);
            match own.transitions.get(&region) {
                Some(Transit::Opening) => Err(true),
                Some(Transit::Closing) => Err(false),
                None => {
                    let info = own.regions.get(&region).map(|region| region.info.clone()).ok_or(false)?;
                    own.transitions.insert(region, Transit::Closing);
                    Ok(info)
                }
            }
        });
        match found {
            Ok(info) => break info,
            Err(true) => tokio::time::sleep(BACKOFF).await,
            Err(false) => return,
        }
    };
    world.work(server).await;
    let closed = world.with(|state| {
        let closed = state.unload_region(server, region);
        state.server_mut(server).transitions.remove(&region);
        closed
    });
    if closed.is_err() {
        return world.abort_server(server, "its WALs are gone");
    }
    report(&world, &command, TransitionCode::Closed, &info, None).await;
}

/// Reports until some master takes it. False when the server had to die of the answer.
async fn report(
    world: &World,
    command: &Command,
    code: TransitionCode,
    region: &RegionInfo,
    open_seq_num: Option<u64>,
) -> bool {
    let request = pb::ReportRegionStateTransitionRequest {
        server: (&command.server).into(),
        transition: vec![pb::RegionStateTransition {
            transition_code: code.into(),
            region_info: vec![region.into()],
            open_seq_num,
            proc_id: vec![command.pid],
            initiating_master_active_time: command.initiating,
        }],
    };
    loop {
        match world.report_transition(&command.server, request.clone()).await {
            Ok(answer) => match answer.error_message {
                None => return true,
                Some(error) => {
                    world.abort_server(&command.server, &error);
                    return false;
                }
            },
            Err(_) => world.pause_before_repeating(&command.server).await,
        }
    }
}

async fn run_callable(world: World, command: Command, procedure: pb::RemoteProcedureRequest) {
    let server = &command.server;
    world.work(server).await;
    let result = match simple_class_name(&procedure.proc_class) {
        "SplitWALCallable" => split_wal(&world, server, procedure.proc_data.unwrap_or_default()).await,
        "FlushRegionCallable" => flush_region(&world, server, procedure.proc_data.unwrap_or_default()),
        "SnapshotRegionCallable" => list_region(&world, server, procedure.proc_data.unwrap_or_default()),
        _ => Err(JavaException::named("java.lang.ClassNotFoundException", procedure.proc_class, false)),
    };
    let status = match result {
        Ok(()) => pb::remote_procedure_result::Status::Success,
        Err(_) => pb::remote_procedure_result::Status::Error,
    };
    let error = result.err().map(|error| pb::ForeignExceptionMessage::new(None, &error));
    let result = pb::RemoteProcedureResult {
        proc_id: procedure.proc_id,
        status: status.into(),
        error,
        initiating_master_active_time: command.initiating,
    };
    let request = pb::ReportProcedureDoneRequest { result: vec![result] };
    while world.report_done(server, request.clone()).await.is_err() {
        world.pause_before_repeating(server).await;
    }
}

async fn split_wal(world: &World, server: &ServerName, data: bytes::Bytes) -> Result<(), JavaException> {
    let refuse = |reason: String| JavaException::new(class::IO, reason);
    let parameter = pb::SplitWalParameter::decode(data).map_err(|error| refuse(error.to_string()))?;
    if world.with(|state| world.chance().happens(state.faults.splits)) {
        return Err(refuse("splitting fails".into()));
    }
    let Some(regions) = world.with(|state| state.regions_in_wal(&parameter.wal_path)) else { return Ok(()) };
    let mut flushed = BTreeMap::new();
    for region in regions {
        let request =
            pb::GetLastFlushedSequenceIdRequest { region_name: region.to_string().into_bytes().into() };
        // Without an answer everything is kept, as in Java.
        if let Ok(answer) = world.last_flushed(server, request).await {
            flushed.insert(region, answer.last_flushed_sequence_id.cast_signed());
        }
    }
    world.work(server).await;
    world.with(|state| state.split(&parameter.wal_path, &flushed));
    Ok(())
}

/// A working folder that isn't there is no error, as in Java.
fn list_region(world: &World, server: &ServerName, data: bytes::Bytes) -> Result<(), JavaException> {
    let refuse = |reason: String| JavaException::new(class::IO, reason);
    let parameter = pb::SnapshotRegionParameter::decode(data).map_err(|error| refuse(error.to_string()))?;
    let region = RegionInfo::try_from(&parameter.region)?;
    world.with(|state| {
        let name = region.encoded_name();
        if !state.server_mut(server).regions.get(&name).is_some_and(|region| region.is_online) {
            return Err(JavaException::new(class::NOT_SERVING_REGION, name.to_string()));
        }
        state.flush_region(server, name).map_err(|_| refuse("its WALs are gone".into()))?;
        let listed = manifest(&state.root, &region);
        if let Some(folder) = state.root.unfinished_snapshots.get_mut(&parameter.snapshot.name) {
            folder.regions.insert(name, listed);
        }
        Ok(())
    })
}

fn flush_region(world: &World, server: &ServerName, data: bytes::Bytes) -> Result<(), JavaException> {
    let refuse = |reason: String| JavaException::new(class::IO, reason);
    let parameter = pb::FlushRegionParameter::decode(data).map_err(|error| refuse(error.to_string()))?;
    let region = RegionInfo::try_from(&parameter.region)?.encoded_name();
    world.with(|state| {
        if !state.server_mut(server).regions.get(&region).is_some_and(|region| region.is_online) {
            return Err(JavaException::new(class::NOT_SERVING_REGION, region.to_string()));
        }
        state.flush_region(server, region).map_err(|_| refuse("its WALs are gone".into()))
    })
}

impl World {
    /// Reports what became of an open or a close.
    pub(super) async fn report_transition(
        &self,
        server: &ServerName,
        request: pb::ReportRegionStateTransitionRequest,
    ) -> Result<pb::ReportRegionStateTransitionResponse, JavaException> {
        self.call_master(server, Call::Transition, move |master| {
            let request = request.clone();
            Box::pin(async move { master.report_transition(request).await })
        })
        .await
    }

    async fn report_done(
        &self,
        server: &ServerName,
        request: pb::ReportProcedureDoneRequest,
    ) -> Result<pb::ReportProcedureDoneResponse, JavaException> {
        self.call_master(server, Call::Done, move |master| {
            let request = request.clone();
            Box::pin(async move { master.report_done(request).await })
        })
        .await
    }

    async fn last_flushed(
        &self,
        server: &ServerName,
        request: pb::GetLastFlushedSequenceIdRequest,
    ) -> Result<pb::GetLastFlushedSequenceIdResponse, JavaException> {
        self.call_master(server, Call::Flushed, move |master| {
            let request = request.clone();
            Box::pin(async move { master.last_flushed(request).await })
        })
        .await
    }
}
