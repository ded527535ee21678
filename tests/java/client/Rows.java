import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Result;
import org.apache.hadoop.hbase.client.ResultScanner;
import org.apache.hadoop.hbase.client.Scan;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hbase.thirdparty.com.google.gson.JsonElement;
import org.apache.hbase.thirdparty.com.google.gson.JsonObject;

/** Writes known rows, and judges whether a table holds just what it should. */
final class Rows {
  private static final int BATCH = 500;

  private final PeerClient client;

  Rows(PeerClient client) {
    this.client = client;
  }

  void register() {
    client.add("putRows", this::putRows);
    client.add("verifyRows", this::verifyRows);
  }

  private Object putRows(JsonObject args) throws Exception {
    long seed = args.get("seed").getAsLong();
    long from = args.get("from").getAsLong();
    long end = from + args.get("count").getAsLong();
    try (Table table = table(args)) {
      for (long i = from; i < end; i += BATCH) {
        List<Put> puts = new ArrayList<>();
        for (long j = i; j < Math.min(i + BATCH, end); j++) {
          puts.add(KnownRows.put(seed, j));
        }
        table.put(puts);
      }
    }
    return null;
  }

  /** What a row must be: its value, and whether it may be missing because its write has no known outcome. */
  private static final class Expected {
    final long seed;
    final long i;
    final boolean optional;

    Expected(long seed, long i, boolean optional) {
      this.seed = seed;
      this.i = i;
      this.optional = optional;
    }

    /** Computed when needed: keys alone fit into memory for a million rows. */
    byte[] value() {
      return KnownRows.value(seed, i);
    }
  }

  /** Compares the whole table with "sets" [{seed, from, count}] and with what "writers" [name] wrote. */
  private Object verifyRows(JsonObject args) throws Exception {
    TreeMap<byte[], Expected> expected = new TreeMap<>(Bytes.BYTES_COMPARATOR);
    for (JsonElement element : args.getAsJsonArray("sets")) {
      JsonObject set = element.getAsJsonObject();
      long seed = set.get("seed").getAsLong();
      long from = set.get("from").getAsLong();
      for (long i = from; i < from + set.get("count").getAsLong(); i++) {
        expect(expected, seed, i, false);
      }
    }
    for (JsonElement name : args.getAsJsonArray("writers")) {
      Writers.Writer writer = Writers.named(name.getAsString());
      writer.forEachWritten((i, acknowledged) -> expect(expected, writer.seed, i, !acknowledged));
    }
    return compare(args, expected);
  }

  private static void expect(Map<byte[], Expected> expected, long seed, long i, boolean optional) {
    expected.put(Bytes.toBytes(KnownRows.key(seed, i)), new Expected(seed, i, optional));
  }

  private Object compare(JsonObject args, TreeMap<byte[], Expected> expected) throws Exception {
    Differences differences = new Differences();
    CRC32 expectedSum = new CRC32();
    CRC32 foundSum = new CRC32();
    long found = 0;
    byte[] last = null;
    try (Table table = table(args); ResultScanner results = table.getScanner(new Scan().setCaching(1000))) {
      for (Result result : results) {
        byte[] row = result.getRow();
        byte[] value = result.getValue(KnownRows.FAMILY, KnownRows.QUALIFIER);
        found++;
        add(foundSum, row, value);
        if (last != null && Bytes.compareTo(last, row) >= 0) {
          differences.add("out of order or twice", row);
        }
        last = row;
        Expected want = expected.remove(row);
        if (want == null) {
          differences.add("unexpected", row);
        } else {
          add(expectedSum, row, want.value());
          if (!Arrays.equals(want.value(), value)) {
            differences.add("wrong value " + Json.of(value), row);
          }
        }
      }
    }
    expected.forEach((row, want) -> {
      if (!want.optional) {
        add(expectedSum, row, want.value());
        differences.add("missing", row);
      }
    });
    long checked = found + differences.count("missing") - differences.count("unexpected");
    return Json.object("expected", checked, "found", found, "expectedChecksum", expectedSum.getValue(),
        "foundChecksum", foundSum.getValue(), "differences", differences.counts, "first", differences.first);
  }

  private static void add(CRC32 sum, byte[] row, byte[] value) {
    sum.update(row);
    sum.update(value == null ? new byte[0] : value);
  }

  private Table table(JsonObject args) throws Exception {
    return client.connection().getTable(TableName.valueOf(Json.string(args, "table")));
  }

  /** How many differences of each kind, and the first one found. */
  private static final class Differences {
    final Map<String, Long> counts = new TreeMap<>();
    String first;

    void add(String what, byte[] row) {
      counts.merge(what.startsWith("wrong value") ? "wrong value" : what, 1L, Long::sum);
      if (first == null) {
        first = "row " + Bytes.toStringBinary(row) + ": " + what;
      }
    }

    long count(String kind) {
      return counts.getOrDefault(kind, 0L);
    }
  }
}
