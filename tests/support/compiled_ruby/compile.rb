# frozen_string_literal: true

# Compiles all Ruby of the packages for load.rb, and lets Ruby read that first.
DATA, INDEX = %w[/usr/lib/ruby/compiled /usr/lib/ruby/compiled.index].freeze
START = "/usr/lib/ruby/vendor_ruby/rubygems/defaults/operating_system.rb"

File.write(START, File.read(File.join(__dir__, "load.rb")), mode: "a")
index = {}
File.open(DATA, "wb") do |data|
  Dir["/usr/{lib/ruby,lib/*/ruby{,gems-integration},share/rubygems-integration}/**/*.rb"].sort.each do |path|
    code = RubyVM::InstructionSequence.compile_file(path).to_binary
    index[path] = [data.pos, code.bytesize]
    data.write(code)
  rescue SyntaxError
    # a template
    next
  end
end
File.binwrite(INDEX, Marshal.dump(index))
