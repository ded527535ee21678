//! Four-letter words.

use super::super::raw::four_letter_word;
use super::super::requests;
use super::super::{Case, CaseResult, Context};
use crate::wire::op_code as op;

pub(super) fn list() -> Vec<Case> {
    cases!["words":
        ruok_and_isro,
        srvr_and_stat_tell_the_mode,
        cons_lists_sessions,
        dump_lists_ephemerals,
        mntr_has_numbers,
        conf_tells_timeouts,
        envi_and_wchs,
    ]
}

async fn ruok_and_isro(context: &Context) -> CaseResult {
    expect_eq!(four_letter_word(context.addr, "ruok").await?, "imok");
    expect_eq!(four_letter_word(context.addr, "isro").await?, "rw");
    Ok(())
}

async fn srvr_and_stat_tell_the_mode(context: &Context) -> CaseResult {
    for word in ["srvr", "stat"] {
        let text = four_letter_word(context.addr, word).await?;
        expect!(text.starts_with("Zookeeper version: 3.8."), "{text}");
        for line in [
            "Latency min/avg/max: ",
            "Received: ",
            "Sent: ",
            "Connections: ",
            "Outstanding: ",
            "Zxid: 0x",
            "Mode: standalone\n",
            "Node count: ",
        ] {
            expect!(text.contains(line), "{word} has no {line:?}: {text}");
        }
    }
    Ok(())
}

async fn cons_lists_sessions(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    client.ping().await?;
    let text = four_letter_word(context.addr, "cons").await?;
    let session = format!(",sid=0x{:x},", client.session_id());
    let line = text.lines().find(|line| line.contains(&session));
    expect!(line.is_some_and(|line| line.contains("](queued=") && line.contains(",to=")), "{text}");
    Ok(())
}

async fn dump_lists_ephemerals(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let path = context.path("e");
    client.create_mode(&path, 1).await?;
    let text = four_letter_word(context.addr, "dump").await?;
    let expected = format!("0x{:x}:\n\t{path}\n", client.session_id());
    expect!(text.contains(&expected), "{text}");
    expect!(text.contains("SessionTracker dump:\n") && text.contains("Sessions with Ephemerals ("), "{text}");
    Ok(())
}

async fn mntr_has_numbers(context: &Context) -> CaseResult {
    let text = four_letter_word(context.addr, "mntr").await?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(&format!("zk_{key}\t")));
    expect_eq!(value("server_state"), Some("standalone"));
    expect!(value("version").is_some_and(|version| version.starts_with("3.8.")), "{text}");
    for key in [
        "znode_count",
        "watch_count",
        "ephemerals_count",
        "approximate_data_size",
        "num_alive_connections",
        "packets_received",
        "packets_sent",
        "outstanding_requests",
        "global_sessions",
        "max_latency",
        "avg_latency",
    ] {
        let number = value(key).and_then(|value| value.parse::<f64>().ok());
        expect!(number.is_some_and(|number| number >= 0.0), "zk_{key} in {text}");
    }
    Ok(())
}

async fn conf_tells_timeouts(context: &Context) -> CaseResult {
    let text = four_letter_word(context.addr, "conf").await?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    expect_eq!(value("clientPort"), Some(context.addr.port().to_string().as_str()));
    for key in ["tickTime", "minSessionTimeout", "maxSessionTimeout", "maxClientCnxns"] {
        expect!(value(key).is_some_and(|value| value.parse::<u32>().is_ok()), "{key} in {text}");
    }
    Ok(())
}

async fn envi_and_wchs(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    client.call(op::EXISTS, &requests::path_watch(&context.root, true)).await?;
    let text = four_letter_word(context.addr, "envi").await?;
    expect!(text.starts_with("Environment:\nzookeeper.version=3.8."), "{text}");
    let text = four_letter_word(context.addr, "wchs").await?;
    expect!(text.contains(" connections watching ") && text.contains("Total watches:"), "{text}");
    Ok(())
}
