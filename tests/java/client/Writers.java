import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Get;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hbase.thirdparty.com.google.gson.JsonObject;

/**
 * Writers that go on in the background, row by row, and remember which rows were acknowledged; readers that go on in
 * the background over rows that are there.
 */
final class Writers {
  private static final Map<String, Writer> WRITERS = new ConcurrentHashMap<>();
  private static final Map<String, Reader> READERS = new ConcurrentHashMap<>();

  private final PeerClient client;

  Writers(PeerClient client) {
    this.client = client;
  }

  void register() {
    client.add("startWriter", this::start);
    client.add("writer", args -> named(Json.string(args, "name")).report());
    client.add("stopWriter", args -> named(Json.string(args, "name")).finish());
    client.add("startReader", this::startReader);
    client.add("reader", args -> READERS.get(Json.string(args, "name")).report());
    client.add("stopReader", args -> READERS.get(Json.string(args, "name")).finish());
  }

  static Writer named(String name) {
    Writer writer = WRITERS.get(name);
    if (writer == null) {
      throw new IllegalArgumentException("no writer " + name);
    }
    return writer;
  }

  private Object start(JsonObject args) throws Exception {
    Table table = client.connection().getTable(TableName.valueOf(Json.string(args, "table")));
    Writer writer = new Writer(table, args.get("seed").getAsLong(), Json.number(args, "pauseMs", 1));
    if (WRITERS.putIfAbsent(Json.string(args, "name"), writer) != null) {
      throw new IllegalArgumentException("there is a writer of this name");
    }
    writer.start();
    return null;
  }

  private Object startReader(JsonObject args) throws Exception {
    Table table = client.connection().getTable(TableName.valueOf(Json.string(args, "table")));
    Reader reader = new Reader(table, args.get("seed").getAsLong(), args.get("count").getAsLong());
    if (READERS.putIfAbsent(Json.string(args, "name"), reader) != null) {
      throw new IllegalArgumentException("there is a reader of this name");
    }
    reader.start();
    return null;
  }

  /** Gets one known row after another, again and again, until it is stopped. */
  private static final class Reader extends Thread {
    private static final long PAUSE_MS = 2;

    private final Table table;
    private final long seed;
    private final long count;
    private long read;
    private long wrong;
    private long lastReadNanos = System.nanoTime();
    private long longestGapNanos;
    private String lastError;
    private volatile boolean stopping;

    Reader(Table table, long seed, long count) {
      super("reader-" + seed);
      this.table = table;
      this.seed = seed;
      this.count = count;
      setDaemon(true);
    }

    @Override
    public void run() {
      for (long i = 0; !stopping; i = (i + 1) % count) {
        try {
          Get get = new Get(KnownRows.key(seed, i).getBytes(StandardCharsets.UTF_8));
          byte[] value = table.get(get).getValue(KnownRows.FAMILY, KnownRows.QUALIFIER);
          succeed(Arrays.equals(value, KnownRows.value(seed, i)));
          Thread.sleep(PAUSE_MS);
        } catch (Exception failure) {
          fail(failure);
        }
      }
    }

    private synchronized void succeed(boolean right) {
      read++;
      wrong += right ? 0 : 1;
      long now = System.nanoTime();
      longestGapNanos = Math.max(longestGapNanos, now - lastReadNanos);
      lastReadNanos = now;
    }

    private synchronized void fail(Exception failure) {
      lastError = failure.toString();
    }

    Object finish() throws InterruptedException {
      stopping = true;
      join();
      return report();
    }

    synchronized Object report() {
      return Json.object("read", read, "wrong", wrong, "longestGapMs", longestGapNanos / 1_000_000, "lastError", lastError);
    }
  }

  /** A function of a row's number and whether its write was acknowledged. */
  interface Written {
    void accept(long i, boolean acknowledged);
  }

  /** Writes row 0, 1, 2, … of a seed until it is stopped. */
  static final class Writer extends Thread {
    final long seed;
    private final Table table;
    private final long pauseMs;
    private final BitSet acknowledged = new BitSet();
    private int next;
    private long lastAckNanos = System.nanoTime();
    private long longestGapNanos;
    private String lastError;
    private volatile boolean stopping;

    Writer(Table table, long seed, long pauseMs) {
      super("writer-" + seed);
      this.table = table;
      this.seed = seed;
      this.pauseMs = pauseMs;
      setDaemon(true);
    }

    @Override
    public void run() {
      while (!stopping) {
        int i;
        synchronized (this) {
          i = next++;
        }
        try {
          table.put(KnownRows.put(seed, i));
          acknowledge(i);
          Thread.sleep(pauseMs);
        } catch (Exception failure) {
          fail(failure);
        }
      }
    }

    private synchronized void acknowledge(int i) {
      acknowledged.set(i);
      long now = System.nanoTime();
      longestGapNanos = Math.max(longestGapNanos, now - lastAckNanos);
      lastAckNanos = now;
    }

    private synchronized void fail(Exception failure) {
      lastError = failure.toString();
    }

    Object finish() throws InterruptedException {
      stopping = true;
      join();
      return report();
    }

    /** Failed writes have no known outcome: their rows may be there. */
    synchronized Object report() {
      int done = acknowledged.cardinality();
      return Json.object("acknowledged", done, "attempted", next, "longestGapMs", longestGapNanos / 1_000_000,
          "sinceLastAckMs", (System.nanoTime() - lastAckNanos) / 1_000_000, "lastError", lastError);
    }

    synchronized void forEachWritten(Written written) {
      for (int i = 0; i < next; i++) {
        written.accept(i, acknowledged.get(i));
      }
    }
  }
}
