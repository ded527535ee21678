# Runs inside the hbase shell: reads one command per line, in hex, evaluates it where the shell's
# commands are methods, and ends each reply with a marked line. The mark stands on a line of its
# own, whatever the command printed last.
hmaster_binding = binding
STDOUT.sync = true
STDOUT.print "\n\u001ehmaster ok\n"
while (hmaster_line = STDIN.gets)
  begin
    hmaster_value = hmaster_binding.eval([hmaster_line.chomp].pack('H*').force_encoding('UTF-8'))
    puts "=> #{hmaster_value.inspect}" unless hmaster_value.nil?
    STDOUT.print "\n\u001ehmaster ok\n"
  rescue Exception => hmaster_error
    puts "\nERROR: #{hmaster_error.message}"
    STDOUT.print "\n\u001ehmaster error\n"
  end
end
