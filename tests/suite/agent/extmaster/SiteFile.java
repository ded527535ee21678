package extmaster;

import java.io.File;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.util.CommonFSUtils;

/** The hbase-site.xml of an external master: the test's settings, as far as another process can follow them. */
final class SiteFile {
  /** Writes it into a new folder, which is returned. */
  static File write(Configuration conf, String host, int port, int number) throws IOException {
    File dir = new File(System.getProperty("ext.run.dir"), "m" + number + "-" + port);
    if (!dir.isDirectory() && !dir.mkdirs()) {
      throw new IOException("cannot make " + dir);
    }
    Map<String, String> all = settings(conf);
    dropTestPlugins(all);
    all.put("hbase.cluster.distributed", "true");
    for (String key : new String[] { HConstants.HBASE_DIR, CommonFSUtils.HBASE_WAL_DIR }) {
      if (all.get(key) != null) {
        Path path = new Path(all.get(key));
        all.put(key, path.getFileSystem(conf).makeQualified(path).toString());
      }
    }
    all.put("hbase.master.port", Integer.toString(port));
    all.put("hbase.master.hostname", host);
    all.put("hbase.master.info.port", conf.get("hbase.master.info.port", "-1"));
    File file = new File(dir, "hbase-site.xml");
    try (Writer writer = Files.newBufferedWriter(file.toPath(), StandardCharsets.UTF_8)) {
      writer.write("<?xml version=\"1.0\"?>\n<configuration>\n");
      for (Map.Entry<String, String> entry : all.entrySet()) {
        writer.write("<property><name>" + escaped(entry.getKey()) + "</name><value>"
          + escaped(entry.getValue()) + "</value></property>\n");
      }
      writer.write("</configuration>\n");
    }
    return dir;
  }

  private static Map<String, String> settings(Configuration conf) {
    Map<String, String> all = new TreeMap<>();
    for (Map.Entry<String, String> entry : conf) {
      String value;
      try {
        value = conf.get(entry.getKey()); // with what it refers to put in
      } catch (RuntimeException e) {
        value = entry.getValue();
      }
      if (value != null) {
        all.put(entry.getKey(), value);
      }
    }
    return all;
  }

  /** A test's own classes cannot go into the other process: they are left out of its settings. */
  private static void dropTestPlugins(Map<String, String> all) {
    for (Map.Entry<String, String> entry : new ArrayList<>(all.entrySet())) {
      String value = entry.getValue();
      if (!value.contains("org.apache.hadoop.hbase.")) {
        continue;
      }
      List<String> keep = new ArrayList<>(Arrays.asList(value.split("\\s*,\\s*")));
      if (!keep.removeIf(name -> isOfTest(entry.getKey(), name))) {
        continue;
      }
      if (keep.isEmpty()) {
        all.remove(entry.getKey());
      } else {
        all.put(entry.getKey(), String.join(",", keep));
      }
    }
  }

  private static boolean isOfTest(String key, String value) {
    String name = value.trim().split("\\|")[0];
    try {
      CodeSource source = Class.forName(name, false, SiteFile.class.getClassLoader())
        .getProtectionDomain().getCodeSource();
      boolean ofTest = source != null && source.getLocation() != null
        && source.getLocation().getPath().contains("tests");
      if (ofTest) {
        ExtMaster.unreachable("left out " + key + " " + name);
      }
      return ofTest;
    } catch (ClassNotFoundException | LinkageError e) {
      return false; // not one of ours: the master's own business
    }
  }

  private static String escaped(String text) {
    StringBuilder to = new StringBuilder();
    for (char c : text.toCharArray()) {
      switch (c) {
        case '<':
          to.append("&lt;");
          break;
        case '>':
          to.append("&gt;");
          break;
        case '&':
          to.append("&amp;");
          break;
        case '\n':
        case '\t':
        case '\r':
          to.append("&#").append((int) c).append(';');
          break;
        default:
          if (c >= ' ') { // XML has no other control characters
            to.append(c);
          }
      }
    }
    return to.toString();
  }

  private SiteFile() {
  }
}
