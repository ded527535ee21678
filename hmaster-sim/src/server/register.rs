//! Getting to know the master. Counterpart of `reportForDuty` and `handleReportForDutyResponse` of `HRegionServer`.
//!
//! The order is Java's: wait until a master is active and the cluster is to be up, read the cluster's id, tell the master
//! of oneself, take over what it answers, and only then make the znode, whose end is how a master learns of a server's
//! death. Differs in that a host name that the master sees otherwise is an error only where one was configured.

use std::time::Duration;

use hmaster_protocol::pb;
use hmaster_protocol::services::region_server_status_service::REGION_SERVER_STARTUP;
use hmaster_rpc::client::RpcError;
use hmaster_types::{JavaException, ParseError, ServerName, StartCode, class};
use tokio::time::timeout;

use super::master_link::MasterLink;
use super::options::RegionServerOptions;

/// The name that the master knows this server's host by.
const SEEN_HOST: &str = "hbase.regionserver.hostname.seen.by.master";
/// The first pause after a master that couldn't be told; it doubles up to the interval of reports.
const PAUSE_MIN: Duration = Duration::from_millis(25);

/// What the master said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    /// This server's name.
    pub(crate) server: ServerName,
    /// Configuration to be taken over.
    pub(crate) entries: Vec<(String, String)>,
}

/// Why a server can't register.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RegisterError {
    /// The master doesn't want it, and won't change its mind.
    #[error("the master refused this server: {0}")]
    Refused(JavaException),
    /// The master calls it by another name than the configured one.
    #[error("Master passed us a different hostname to use; was={told}, but now={seen}")]
    OtherHost {
        /// What is configured.
        told: String,
        /// What the master says.
        seen: String,
    },
    /// The master gave a name that is none.
    #[error("the master gave a host name that is none")]
    NoHost(#[source] ParseError),
}

/// Who asks to be registered.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// What it calls its host.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// When its life began.
    pub start_code: StartCode,
}

/// Tells the active master of this server until it answers.
///
/// # Errors
/// When it refuses.
pub(crate) async fn register(
    link: &MasterLink,
    applicant: &Applicant,
    options: &RegionServerOptions,
    now_ms: impl Fn() -> u64,
) -> Result<Registration, RegisterError> {
    let mut pause = PAUSE_MIN;
    loop {
        let master = link.wait_active().await;
        let request = pb::RegionServerStartupRequest {
            port: applicant.port.into(),
            server_start_code: applicant.start_code.0,
            server_current_time: now_ms(),
            use_this_hostname_instead: options.host_name.clone(),
        };
        match link.call(REGION_SERVER_STARTUP, &request).await {
            Ok(answer) => return Registration::read(answer, applicant, options.host_name.as_deref()),
            Err(error) => {
                if let Some(refusal) = refusal(&error) {
                    return Err(RegisterError::Refused(refusal));
                }
                tracing::info!(%error, ?pause, "the master can't be told of this server yet");
            }
        }
        let _ = timeout(pause, link.wait_other(Some(&master))).await;
        pause = (pause * 2).min(options.report_interval.max(PAUSE_MIN));
    }
}

/// The exceptions that no patience helps against.
fn refusal(error: &RpcError) -> Option<JavaException> {
    const FINAL: [class::Class; 3] =
        [class::CLOCK_OUT_OF_SYNC, class::DECOMMISSIONED_HOST_REJECTED, class::YOU_ARE_DEAD];
    error.exception().filter(|exception| FINAL.iter().any(|class| exception.is(*class))).cloned()
}

impl Registration {
    fn read(
        answer: pb::RegionServerStartupResponse,
        applicant: &Applicant,
        told: Option<&str>,
    ) -> Result<Self, RegisterError> {
        let entries = answer.map_entries.into_iter().map(|pair| (pair.name, pair.value));
        let (names, entries): (Vec<_>, Vec<_>) = entries.partition(|(key, _)| key == SEEN_HOST);
        let seen = names.into_iter().next_back().map(|(_, name)| name);
        if let (Some(told), Some(seen)) = (told, &seen)
            && told != seen
        {
            return Err(RegisterError::OtherHost { told: told.to_owned(), seen: seen.clone() });
        }
        let host = seen.as_deref().unwrap_or(&applicant.host);
        let server =
            ServerName::new(host, applicant.port, applicant.start_code).map_err(RegisterError::NoHost)?;
        Ok(Self { server, entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applicant() -> Applicant {
        Applicant { host: "me".into(), port: 16020, start_code: StartCode(7) }
    }

    fn answer(pairs: &[(&str, &str)]) -> pb::RegionServerStartupResponse {
        let pair = |(name, value): &(&str, &str)| pb::NameStringPair {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
        };
        pb::RegionServerStartupResponse { map_entries: pairs.iter().map(pair).collect() }
    }

    #[test]
    fn the_master_decides_the_name() {
        let answer = answer(&[("hbase.rootdir", "file:/x"), (SEEN_HOST, "seen")]);
        let read = Registration::read(answer, &applicant(), None).unwrap();
        assert_eq!(read.server.as_str(), "seen,16020,7");
        assert_eq!(read.entries, [("hbase.rootdir".to_owned(), "file:/x".to_owned())]);
    }

    #[test]
    fn unless_one_is_configured() {
        let seen = |host| Registration::read(answer(&[(SEEN_HOST, host)]), &applicant(), Some("told"));
        assert_eq!(seen("told").unwrap().server.host(), "told");
        assert!(matches!(seen("seen"), Err(RegisterError::OtherHost { .. })));
    }

    #[test]
    fn a_master_that_says_nothing_or_nonsense() {
        let none = Registration::read(answer(&[]), &applicant(), None).unwrap();
        assert_eq!(none.server.host(), "me");
        let nonsense = Registration::read(answer(&[(SEEN_HOST, "a,b")]), &applicant(), None);
        assert!(matches!(nonsense, Err(RegisterError::NoHost(_))));
    }
}
