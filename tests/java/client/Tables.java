import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.hbase.Cell;
import org.apache.hadoop.hbase.CellUtil;
import org.apache.hadoop.hbase.ClusterMetrics;
import org.apache.hadoop.hbase.HRegionLocation;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Admin;
import org.apache.hadoop.hbase.client.Delete;
import org.apache.hadoop.hbase.client.Get;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.RegionLocator;
import org.apache.hadoop.hbase.client.Result;
import org.apache.hadoop.hbase.client.ResultScanner;
import org.apache.hadoop.hbase.client.Scan;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hbase.thirdparty.com.google.gson.JsonObject;

/** Commands that look at the cluster and its regions, and that read and write single rows. */
final class Tables {
  private final PeerClient client;

  Tables(PeerClient client) {
    this.client = client;
  }

  void register() {
    client.add("status", args -> status());
    client.add("regions", this::regions);
    client.add("put", this::put);
    client.add("get", this::get);
    client.add("delete", this::delete);
    client.add("scan", this::scan);
  }

  private Object status() throws Exception {
    try (Admin admin = client.connection().getAdmin()) {
      ClusterMetrics metrics = admin.getClusterMetrics();
      Map<String, Integer> servers = new LinkedHashMap<>();
      List<String> reported = new ArrayList<>();
      metrics.getLiveServerMetrics().forEach((name, load) -> {
        servers.put(name.toString(), load.getRegionMetrics().size());
        if (load.getMaxHeapSize().get() > 0) {
          reported.add(name.toString());
        }
      });
      return Json.object("version", metrics.getHBaseVersion(), "clusterId", metrics.getClusterId(), "master",
          metrics.getMasterName(), "backups", metrics.getBackupMasterNames(), "servers", servers, "reported",
          reported, "dead", metrics.getDeadServerNames(), "inTransition", metrics.getRegionStatesInTransition().size(), "balancerOn",
          metrics.getBalancerOn(), "averageLoad", metrics.getAverageLoad());
    }
  }

  /** Every region of a table with its server, read from hbase:meta. */
  private Object regions(JsonObject args) throws Exception {
    try (RegionLocator locator = client.connection().getRegionLocator(TableName.valueOf(Json.string(args, "table")))) {
      locator.clearRegionLocationCache();
      List<JsonObject> regions = new ArrayList<>();
      for (HRegionLocation location : locator.getAllRegionLocations()) {
        JsonObject region = Json.of(location.getRegion()).getAsJsonObject();
        region.add("server", Json.of(location.getServerName()));
        region.addProperty("openSeqNum", location.getSeqNum());
        regions.add(region);
      }
      return regions;
    }
  }

  /** A put of columns {"f:q": "value"}. */
  private Object put(JsonObject args) throws Exception {
    Put put = new Put(Json.bytes(args, "row"));
    args.getAsJsonObject("columns").entrySet().forEach(entry -> {
      byte[][] column = CellUtil.parseColumn(Bytes.toBytesBinary(entry.getKey()));
      put.addColumn(column[0], column[1], Bytes.toBytesBinary(entry.getValue().getAsString()));
    });
    try (Table table = table(args)) {
      table.put(put);
    }
    return null;
  }

  private Object get(JsonObject args) throws Exception {
    try (Table table = table(args)) {
      return columns(table.get(new Get(Json.bytes(args, "row"))));
    }
  }

  private Object delete(JsonObject args) throws Exception {
    try (Table table = table(args)) {
      table.delete(new Delete(Json.bytes(args, "row")));
    }
    return null;
  }

  /** Rows in order: [{"row": key, "columns": {...}}]. Optional: start, stop (exclusive), prefix, limit. */
  private Object scan(JsonObject args) throws Exception {
    Scan scan = new Scan();
    if (args.has("start")) {
      scan.withStartRow(Json.bytes(args, "start"));
    }
    if (args.has("stop")) {
      scan.withStopRow(Json.bytes(args, "stop"));
    }
    if (args.has("prefix")) {
      scan.setRowPrefixFilter(Json.bytes(args, "prefix"));
    }
    scan.setLimit((int) Json.number(args, "limit", -1));
    List<JsonObject> rows = new ArrayList<>();
    try (Table table = table(args); ResultScanner results = table.getScanner(scan)) {
      for (Result result : results) {
        rows.add(Json.object("row", result.getRow(), "columns", columns(result)));
      }
    }
    return rows;
  }

  private Table table(JsonObject args) throws Exception {
    return client.connection().getTable(TableName.valueOf(Json.string(args, "table")));
  }

  private static Map<String, byte[]> columns(Result result) {
    Map<String, byte[]> columns = new LinkedHashMap<>();
    for (Cell cell : result.listCells() == null ? List.<Cell>of() : result.listCells()) {
      String family = Bytes.toStringBinary(CellUtil.cloneFamily(cell));
      columns.put(family + ":" + Bytes.toStringBinary(CellUtil.cloneQualifier(cell)), CellUtil.cloneValue(cell));
    }
    return columns;
  }
}
