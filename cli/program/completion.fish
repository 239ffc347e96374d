# fish completion for PROGRAM; see PROGRAM completion --help. The program says what can come next.

function __FUNCTION_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] complete --quoted -- $words[2..-1] "$current" 2>/dev/null)
    for line in $answer[2..-1]
        echo $line
    end
    switch "$answer[1]"
        case :files
            __fish_complete_path "$current"
        case :directories
            __fish_complete_directories "$current"
        case :commands
            __fish_complete_command
    end
end

complete --command PROGRAM --no-files --keep-order --arguments '(__FUNCTION_complete)'
