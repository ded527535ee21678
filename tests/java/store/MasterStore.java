import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.Cell;
import org.apache.hadoop.hbase.CellUtil;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.Server;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.client.Delete;
import org.apache.hadoop.hbase.client.Mutation;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Scan;
import org.apache.hadoop.hbase.master.region.MasterRegion;
import org.apache.hadoop.hbase.master.region.MasterRegionFactory;
import org.apache.hadoop.hbase.procedure2.Procedure;
import org.apache.hadoop.hbase.procedure2.ProcedureStateSerializer;
import org.apache.hadoop.hbase.procedure2.store.ProcedureStore;
import org.apache.hadoop.hbase.procedure2.store.region.RegionProcedureStore;
import org.apache.hadoop.hbase.regionserver.HRegion;
import org.apache.hadoop.hbase.regionserver.RegionScanner;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hbase.thirdparty.com.google.protobuf.BytesValue;
import org.apache.hbase.thirdparty.com.google.protobuf.UnsafeByteOperations;

/**
 * A Java master's own region without the master: opens it as a master does, changes it, shows it. Commands come as
 * lines on standard input, bytes in hexadecimal digits; a line "done" follows what each prints. With arguments it is a
 * writer that goes on until it can't.
 */
public class MasterStore {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private Server server;
  private MasterRegion region;
  private RegionProcedureStore store;

  public static void main(String[] args) throws Exception {
    MasterStore self = new MasterStore();
    if (args.length > 0) {
      self.writeOn(args[0], args[1]);
      Runtime.getRuntime().halt(0);
    }
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try {
      for (String line; (line = in.readLine()) != null;) {
        self.run(line.split(" "));
        OUT.println("done");
      }
    } catch (Throwable t) {
      t.printStackTrace();
      Runtime.getRuntime().halt(1); // the region's threads would go on
    }
    Runtime.getRuntime().halt(0); // as a kill would end it, if it wasn't closed
  }

  private void run(String[] words) throws Exception {
    switch (words[0]) {
      case "open" -> open(words[1], words[2]);
      case "apply" -> apply(words);
      case "insert" -> store.insert(probes(words));
      case "update" -> store.update(probes(words)[0]);
      case "delete" -> store.delete(ids(words), 0, words.length - 1);
      case "cleanup" -> store.cleanup();
      case "flush" -> region.flush(true);
      case "compact" -> inner().compact(true);
      case "roll" -> {
        region.requestRollAll();
        region.waitUntilWalRollFinished();
      }
      case "dump" -> dump();
      case "measure" -> measure(Integer.parseInt(words[1]), Integer.parseInt(words[2]),
        Integer.parseInt(words[3]), Integer.parseInt(words[4]));
      case "procedures" -> procedures();
      case "close" -> region.close(false);
      case "leave" -> region = null; // as if it had died; its threads do nothing any more
      default -> throw new IllegalArgumentException(words[0]);
    }
  }

  /** Opens the region below a root folder, as the master of a certain name. */
  private void open(String root, String name) throws Exception {
    Configuration conf = HBaseConfiguration.create();
    conf.set("hbase.rootdir", root);
    // What a master sets up for memory that many regions share.
    conf.setBoolean("hbase.hregion.memstore.mslab.enabled", false);
    ServerName serverName = ServerName.valueOf(name);
    server = (Server) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] { Server.class },
      (proxy, method, args) -> switch (method.getName()) {
        case "getConfiguration" -> conf;
        case "getServerName" -> serverName;
        case "abort" -> {
          OUT.println("aborted " + args[0]);
          yield null;
        }
        case "toString" -> name;
        case "hashCode" -> 1;
        case "isAborted", "isStopped", "isStopping" -> false;
        default -> throw new UnsupportedOperationException(method.toString());
      });
    region = MasterRegionFactory.create(server);
    store = new RegionProcedureStore(server, region, (fs, path) -> {
    });
    store.start(1);
  }

  private HRegion inner() throws Exception {
    Field field = MasterRegion.class.getDeclaredField("region");
    field.setAccessible(true);
    return (HRegion) field.get(region);
  }

  /** All edits of a line at once: "put:family:row:qualifier:value" or "delete:family:row". */
  private void apply(String[] words) throws Exception {
    List<Mutation> mutations = new ArrayList<>();
    TreeSet<byte[]> rows = new TreeSet<>(Bytes.BYTES_COMPARATOR);
    for (int n = 1; n < words.length; n++) {
      String[] parts = words[n].split(":", -1);
      byte[] family = Bytes.toBytes(parts[1]);
      byte[] row = Bytes.fromHex(parts[2]);
      if (parts[0].equals("put")) {
        mutations.add(new Put(row).addColumn(family, Bytes.fromHex(parts[3]), Bytes.fromHex(parts[4])));
      } else {
        mutations.add(new Delete(row).addFamily(family));
      }
      rows.add(row);
    }
    region.update(r -> r.mutateRowsWithLocks(mutations, rows, HConstants.NO_NONCE, HConstants.NO_NONCE));
  }

  private static long[] ids(String[] words) {
    long[] ids = new long[words.length - 1];
    for (int n = 0; n < ids.length; n++) {
      ids[n] = Long.parseLong(words[n + 1]);
    }
    return ids;
  }

  /** Procedures from words "id=text". */
  private static Procedure<?>[] probes(String[] words) {
    Procedure<?>[] probes = new Procedure<?>[words.length - 1];
    for (int n = 0; n < probes.length; n++) {
      String[] parts = words[n + 1].split("=");
      probes[n] = new Probe(Long.parseLong(parts[0]), parts[1]);
    }
    return probes;
  }

  /** Everything that a reader sees. */
  private void dump() throws IOException {
    List<String> lines = new ArrayList<>();
    try (RegionScanner scanner = region.getRegionScanner(new Scan().readAllVersions())) {
      List<Cell> cells = new ArrayList<>();
      boolean more;
      do {
        more = scanner.next(cells);
        for (Cell cell : cells) {
          lines.add(String.format("cell %s %s %s %d %s", Bytes.toString(CellUtil.cloneFamily(cell)),
            hex(CellUtil.cloneRow(cell)), hex(CellUtil.cloneQualifier(cell)), cell.getTimestamp(),
            hex(CellUtil.cloneValue(cell))));
        }
        cells.clear();
      } while (more);
    }
    // Family by family, in each as the region has them.
    lines.sort(Comparator.comparing((String line) -> line.split(" ")[1]));
    lines.forEach(OUT::println);
  }

  private static String hex(byte[] bytes) {
    return bytes.length == 0 ? "-" : Bytes.toHex(bytes);
  }

  /** What an executor would be given. */
  private void procedures() throws IOException {
    TreeSet<String> lines = new TreeSet<>();
    long[] max = new long[1];
    store.load(new ProcedureStore.ProcedureLoader() {
      @Override
      public void setMaxProcId(long id) {
        max[0] = id;
      }

      @Override
      public void load(ProcedureStore.ProcedureIterator procedures) throws IOException {
        while (procedures.hasNext()) {
          if (procedures.isNextFinished()) {
            procedures.skipNext();
            continue;
          }
          lines.add(procedures.next() instanceof Probe probe ? probe.getProcId() + "=" + probe.text : "other");
        }
      }

      @Override
      public void handleCorrupted(ProcedureStore.ProcedureIterator procedures) throws IOException {
        while (procedures.hasNext()) {
          lines.add("corrupted " + procedures.next());
        }
      }
    });
    OUT.println("max " + max[0]);
    lines.forEach(OUT::println);
  }

  /**
   * Each of many writers inserts and updates one procedure of so many bytes after the other, waiting for each. Prints
   * how many writes there were in a second.
   */
  private void measure(int round, int writers, int writesEach, int bytes) throws Exception {
    String text = "x".repeat(bytes);
    Thread[] threads = new Thread[writers];
    Throwable[] failed = new Throwable[1];
    long started = System.nanoTime();
    for (int writer = 0; writer < writers; writer++) {
      long base = 1 + ((long) round * writers + writer) * writesEach;
      threads[writer] = new Thread(() -> {
        try {
          for (int n = 0; n < writesEach / 2; n++) {
            Probe probe = new Probe(base + n, text);
            store.insert(probe, null);
            store.update(probe);
          }
        } catch (Throwable t) {
          failed[0] = t;
        }
      });
      threads[writer].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    if (failed[0] != null) {
      throw new IOException(failed[0]);
    }
    OUT.println("writes " + (long) writers * writesEach * 1e9 / (System.nanoTime() - started));
  }

  /** Writes rows 1, 2, ... and says so after each, until it can't. */
  private void writeOn(String root, String name) throws Exception {
    open(root, name);
    OUT.println("opened");
    for (long n = 1;; n++) {
      Put put = new Put(Bytes.toBytes(n)).addColumn(Bytes.toBytes("proc"), Bytes.toBytes("d"), Bytes.toBytes("late"));
      try {
        region.update(r -> r.put(put));
      } catch (IOException e) {
        OUT.println("failed " + n + " " + e);
        return;
      }
      OUT.println("wrote " + n);
      // A datanode that is told to recover a block while a packet is being written to it gets its lengths wrong, and can't
      // recover the block ever after. With pauses between the packets that hardly ever meets.
      LockSupport.parkNanos(3_000_000);
    }
  }

  /** A procedure that does nothing. */
  public static final class Probe extends Procedure<Object> {
    private String text = "";

    /** For loading. */
    public Probe() {
    }

    Probe(long id, String text) {
      this.text = text;
      setProcId(id);
      setSubmittedTime(1);
    }

    @Override
    protected Procedure<Object>[] execute(Object env) {
      return null;
    }

    @Override
    protected void rollback(Object env) {
    }

    @Override
    protected boolean abort(Object env) {
      return false;
    }

    @Override
    protected void serializeStateData(ProcedureStateSerializer serializer) throws IOException {
      serializer.serialize(BytesValue.of(UnsafeByteOperations.unsafeWrap(Bytes.toBytes(text))));
    }

    @Override
    protected void deserializeStateData(ProcedureStateSerializer serializer) throws IOException {
      text = serializer.deserialize(BytesValue.class).getValue().toStringUtf8();
    }
  }
}
