//! Which path shows what, and who shows it: this master, or the active one whose page a backup leads to.
//!
//! What tells about this process (`/jmx`, `/metrics`, `/conf`, health) every master answers for itself. What tells about
//! the cluster only the active one can, so a master that waits sends the reader there, as long as it knows where that
//! is and that it isn't here.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use hyper::header::HeaderValue;
use hyper::{Method, StatusCode, Uri};
use tokio::sync::Semaphore;

use crate::beans;
use crate::conf;
use crate::dump;
use crate::health;
use crate::jmx;
use crate::metrics;
use crate::pages;
use crate::reply::{HTML, JSON, Query, Reply, TEXT};
use crate::server::Sources;
use crate::standing::Standing;

/// Media type of Prometheus' text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
const XML: &str = "text/xml; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// All that is served.
pub(crate) struct Site {
    sources: Sources,
    info_port: u16,
    frame_options: HeaderValue,
    /// `hbase.http.max.threads`: so many pages are made at the same time.
    workers: Semaphore,
}

/// What a path shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Root,
    Health,
    Ready,
    Style,
    Icon,
    Jmx,
    Metrics,
    JavaMetrics,
    Conf,
    Page(pages::Page),
    Dump,
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/" | "/index.html" | "/master.jsp" => Self::Root,
            "/healthz" => Self::Health,
            "/readyz" => Self::Ready,
            "/static/style.css" => Self::Style,
            "/static/icon.svg" | "/favicon.ico" => Self::Icon,
            "/jmx" => Self::Jmx,
            "/metrics" => Self::Metrics,
            "/prometheus" => Self::JavaMetrics,
            "/conf" => Self::Conf,
            "/dump" => Self::Dump,
            path => Self::Page(pages::Page::of(path)?),
        })
    }

    /// Whether it is about the cluster, so that only the active master can show it.
    fn is_of_the_cluster(self) -> bool {
        matches!(self, Self::Root | Self::Page(_) | Self::Dump)
    }
}

impl Site {
    pub(crate) fn new(sources: Sources, info_port: u16) -> Self {
        let options = &sources.config.options().info_server;
        let frame_options =
            HeaderValue::from_str(&options.frame_options).unwrap_or(HeaderValue::from_static("DENY"));
        let workers = Semaphore::new((options.threads as usize).min(Semaphore::MAX_PERMITS));
        Self { sources, info_port, frame_options, workers }
    }

    /// Value of the X-Frame-Options header.
    pub(crate) fn frame_options(&self) -> &HeaderValue {
        &self.frame_options
    }

    /// Answers a request.
    pub(crate) async fn answer(self: &Arc<Self>, method: &Method, uri: &Uri) -> Reply {
        let Some(route) = Route::of(uri.path()) else {
            return Reply::error(StatusCode::NOT_FOUND, "there is no such page");
        };
        if method != Method::GET && method != Method::HEAD {
            return Reply::only_get();
        }
        let standing = Standing::of(&self.sources.role, &*self.sources.view);
        if let Some(elsewhere) = self.elsewhere(route, &standing) {
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            return Reply::redirect(&format!("http://{elsewhere}{path}"));
        }
        match route {
            Route::Root => Reply::redirect("/master-status"),
            Route::Health => health::alive(&self.sources, &standing),
            Route::Ready => health::ready(&self.sources, &standing),
            Route::Style => Reply::fixed(CSS, include_str!("../templates/style.css")),
            Route::Icon => Reply::fixed(SVG, include_str!("../templates/icon.svg")),
            slow => self.make(slow, standing, uri.query().unwrap_or_default().to_owned()).await,
        }
    }

    /// Makes a page away from the threads that serve calls; it may take a while in a big cluster.
    async fn make(self: &Arc<Self>, route: Route, standing: Standing, query: String) -> Reply {
        let Ok(_worker) = self.workers.acquire().await else {
            return Reply::error(StatusCode::SERVICE_UNAVAILABLE, "the master stops");
        };
        let site = self.clone();
        let made = tokio::task::spawn_blocking(move || site.page(route, &standing, &Query::parse(&query)));
        made.await.unwrap_or_else(|error| {
            tracing::error!(?route, %error, "a page can't be made");
            Reply::error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the page can't be made; the master's log says why",
            )
        })
    }

    fn page(&self, route: Route, standing: &Standing, query: &Query<'_>) -> Reply {
        match route {
            Route::Jmx => match jmx::answer(&beans::all(&self.sources), query) {
                Ok(json) => Reply::ok(JSON, json),
                Err(error) => Reply::new(error.status(), JSON, error.to_json()),
            },
            Route::Metrics => Reply::ok(PROMETHEUS, metrics::own_names(&self.sources)),
            Route::JavaMetrics => {
                let beans = beans::all(&self.sources);
                Reply::ok(PROMETHEUS, metrics::java_names(&beans, query.text("qry")))
            }
            Route::Conf => match conf::answer(&self.sources.config, query.get("format")) {
                Ok(conf::Shown::Xml(text)) => Reply::ok(XML, text),
                Ok(conf::Shown::Json(text)) => Reply::ok(JSON, text),
                Err(error) => Reply::error(StatusCode::BAD_REQUEST, &error.to_string()),
            },
            Route::Dump => Reply::ok(TEXT, dump::text(&self.sources)),
            Route::Page(page) => match pages::render(page, &self.sources, standing, query) {
                Ok(html) => Reply::ok(HTML, html),
                Err(error) => Reply::error(error.status(), &error.to_string()),
            },
            Route::Root | Route::Health | Route::Ready | Route::Style | Route::Icon => {
                Reply::error(StatusCode::NOT_FOUND, "there is no such page")
            }
        }
    }

    /// Host and port of the active master's pages, if these are to be shown instead.
    fn elsewhere(&self, route: Route, standing: &Standing) -> Option<String> {
        let Standing::Waiting { active: Some(active) } = standing else { return None };
        let may = route.is_of_the_cluster() && self.sources.config.options().info_server.redirect;
        let here = active.server.address() == self.sources.server.address()
            || (active.server.host().eq_ignore_ascii_case(self.sources.server.host())
                && active.info_port == self.info_port);
        (may && !here && active.info_port != 0).then(|| host_and_port(active.server.host(), active.info_port))
    }
}

/// As it stands in a URL.
pub(crate) fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("sources", &self.sources).finish_non_exhaustive()
    }
}
