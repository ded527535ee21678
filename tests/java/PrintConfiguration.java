import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.util.CommonFSUtils;
import org.apache.hadoop.hbase.zookeeper.ZKConfig;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.util.GenericOptionsParser;

/**
 * Prints what Hadoop and HBase make of configuration folders. One line of input is one case: a folder and
 * arguments, with tabs between. The answer is a list of lines that ends with ".":
 * V key value, E key exception (the value can't be had), T key getter result, C root wal fs quorum, X exception.
 * Of keys that have the value of the first case nothing is said. A folder that sets parity.cluster is asked for its
 * C only, and has to come after the others: file systems bring defaults of their own.
 */
public class PrintConfiguration {
  private static final String[] PROPERTIES =
    { "user.name", "user.home", "user.dir", "java.io.tmpdir", "file.separator", "path.separator",
      "line.separator", "os.name", "os.arch" };

  private static PrintStream out;
  private static Map<String, String> first;

  public static void main(String[] args) throws Exception {
    out = new PrintStream(System.out, false, "UTF-8");
    HdfsConfiguration.init();
    Class.forName("org.apache.hadoop.hbase.HBaseConfiguration");
    for (String name : PROPERTIES) {
      line("P", name, System.getProperty(name));
    }
    out.flush();
    Configuration.dumpDeprecatedKeys();
    System.out.flush();
    line(".");
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String text = in.readLine(); text != null; text = in.readLine()) {
      answer(text.split("\t"));
      line(".");
    }
    out.flush();
  }

  private static void answer(String[] request) {
    try {
      Configuration conf = load(new File(request[0]));
      String[] arguments = Arrays.copyOfRange(request, 1, request.length);
      new GenericOptionsParser(conf, arguments);
      if (conf.get("parity.cluster") == null) {
        values(conf);
        typed(conf);
      } else {
        cluster(conf);
      }
    } catch (Throwable e) {
      line("X", e.toString());
    }
  }

  private static Configuration load(File folder) throws Exception {
    ClassLoader parent = PrintConfiguration.class.getClassLoader();
    Configuration conf = new Configuration();
    conf.setClassLoader(new URLClassLoader(new URL[] { folder.toURI().toURL() }, parent));
    conf.reloadConfiguration();
    return HBaseConfiguration.addHbaseResources(conf);
  }

  private static void values(Configuration conf) {
    Map<String, String> all = new TreeMap<>();
    for (Map.Entry<String, String> entry : conf) {
      String key = entry.getKey();
      try {
        all.put(key, "V\t" + conf.get(key));
      } catch (IllegalStateException e) {
        all.put(key, "E\t" + e.getMessage());
      }
    }
    for (Map.Entry<String, String> entry : all.entrySet()) {
      if (first == null || !entry.getValue().equals(first.get(entry.getKey()))) {
        line(entry.getValue().substring(0, 1), entry.getKey(), entry.getValue().substring(2));
      }
    }
    first = first == null ? all : first;
  }

  private static void typed(Configuration conf) {
    for (Map.Entry<String, String> entry : conf) {
      String key = entry.getKey();
      if (key.startsWith("typed.")) {
        getter(key, "Int", () -> conf.getInt(key, 7));
        getter(key, "Long", () -> conf.getLong(key, 7));
        getter(key, "Float", () -> Integer.toUnsignedLong(Float.floatToIntBits(conf.getFloat(key, 7))));
        getter(key, "Double", () -> Double.doubleToLongBits(conf.getDouble(key, 7)));
        getter(key, "Flag", () -> conf.getBoolean(key, true) + " " + conf.getBoolean(key, false));
        getter(key, "Size", () -> conf.getLongBytes(key, 7));
        getter(key, "TimeSpan", () -> conf.getTimeDuration(key, 7, TimeUnit.MILLISECONDS));
        getter(key, "List", () -> {
          List<String> parts = new ArrayList<>();
          String[] all = conf.getStrings(key);
          for (String part : all == null ? new String[0] : all) {
            if (!part.trim().isEmpty()) {
              parts.add(part.trim());
            }
          }
          return String.join("|", parts);
        });
      }
    }
  }

  private static void getter(String key, String name, Callable<Object> getter) {
    String result;
    try {
      result = "=" + getter.call();
    } catch (Exception e) {
      result = "!" + e;
    }
    line("T", key, name, result);
  }

  /** What the constructors of a master do to fs.defaultFS, in their order. */
  private static void cluster(Configuration conf) throws Exception {
    String wal = CommonFSUtils.getDirUri(conf, new Path(conf.get("hbase.wal.dir", conf.get("hbase.rootdir"))));
    if (wal != null) {
      CommonFSUtils.setFsDefault(conf, wal);
    }
    String root = CommonFSUtils.getDirUri(conf, new Path(conf.get("hbase.rootdir")));
    if (root != null) {
      CommonFSUtils.setFsDefault(conf, root);
    }
    Path rootDir = CommonFSUtils.getRootDir(conf);
    FileSystem fs = rootDir.getFileSystem(conf);
    Path walRootDir = CommonFSUtils.getWALRootDir(conf);
    CommonFSUtils.setFsDefault(conf, new Path(CommonFSUtils.getWALFileSystem(conf).getUri()));
    CommonFSUtils.setFsDefault(conf, new Path(fs.getUri()));
    line("C", rootDir.toString(), walRootDir.toString(), conf.get("fs.defaultFS"),
      ZKConfig.getZKQuorumServersString(conf));
  }

  private static void line(String... fields) {
    StringBuilder text = new StringBuilder();
    for (String field : fields) {
      text.append(text.length() == 0 ? "" : "\t");
      text.append(field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r"));
    }
    out.println(text);
  }
}
