# Bash completion for nb. Generated from the command tree; do not edit.
# shellcheck shell=bash

# What the command $1 has: subcommands, options, and a pattern for those whose value comes next.
_nb_command() {
    commands='' options='' valued=''
    case $1 in
        '')
            commands='generate caption batch extract log config models sandbox completion help version'
            options='--version -V --help -h'
            ;;
        'generate')
            options='--aspect -a --size -s --fit --transparent --image -i --prompt-file --thinking --search --system --temperature --seed --output -o --format --force --skip-existing --all --open --no-open --preview --no-preview --count -n --chat --continue --alt --no-alt --alt-file --model -m --provider --base-url --timeout --retries --wait --max-cost --yes --dry-run --curl --json --quiet -q --verbose -v --color --no-color --help -h'
            valued='^(-[qvh]*[asionm]|--aspect|--size|--fit|--image|--prompt-file|--thinking|--system|--temperature|--seed|--output|--format|--count|--continue|--alt-file|--model|--provider|--base-url|--timeout|--retries|--wait|--max-cost)$'
            ;;
        'caption')
            options='--style --max-chars --lang --text --text-file --context --context-file --as --relative-to --write --embed --again --break-signature --recursive -r --concurrency --check --strict --decorative --read --pages --apply --root --aspect -a --size -s --fit --transparent --image -i --prompt-file --thinking --search --system --temperature --seed --output -o --format --force --skip-existing --all --open --no-open --preview --no-preview --count -n --chat --continue --model -m --provider --base-url --timeout --retries --wait --max-cost --yes --dry-run --curl --json --quiet -q --verbose -v --color --no-color --help -h'
            valued='^(-[rqvh]*[asionm]|--style|--max-chars|--lang|--text|--text-file|--context|--context-file|--as|--relative-to|--concurrency|--root|--aspect|--size|--fit|--image|--prompt-file|--thinking|--system|--temperature|--seed|--output|--format|--count|--continue|--model|--provider|--base-url|--timeout|--retries|--wait|--max-cost)$'
            ;;
        'batch')
            options='--dry-run --check --status --init --accept --prune --delete --only --limit --shuffle --shard --retry --remake --concurrency --rpm --fail-fast --max-failures --max-cost --max-images --max-total-cost --yes --output -o --gallery --format --alt --no-alt --force --skip-existing --aspect -a --size -s --model -m --provider --base-url --timeout --retries --wait --json --quiet -q --verbose -v --color --no-color --help -h'
            valued='^(-[qvh]*[oasm]|--accept|--only|--limit|--shard|--retry|--remake|--concurrency|--rpm|--max-failures|--max-cost|--max-images|--max-total-cost|--output|--gallery|--format|--aspect|--size|--model|--provider|--base-url|--timeout|--retries|--wait)$'
            ;;
        'extract')
            options='--output -o --format --force --skip-existing --all --open --no-open --preview --no-preview --text --alt --fetch --json --quiet -q --verbose -v --color --no-color --help -h'
            valued='^(-[qvh]*[o]|--output|--format)$'
            ;;
        'log')
            options='--count -n --since --before --all --sum --command --forget --yes --json --quiet -q --color --no-color --help -h'
            valued='^(-[qh]*[n]|--count|--since|--before|--sum)$'
            ;;
        'config')
            commands='set unset get list edit path check'
            options='--help -h'
            ;;
        'config set')
            options='--provider --quiet -q --color --no-color --help -h'
            valued='^(--provider)$'
            ;;
        'config unset')
            options='--provider --quiet -q --color --no-color --help -h'
            valued='^(--provider)$'
            ;;
        'config get')
            options='--quiet -q --color --no-color --help -h'
            ;;
        'config list')
            options='--json --color --no-color --help -h'
            ;;
        'config edit')
            options='--quiet -q --color --no-color --help -h'
            ;;
        'config path')
            options='--quiet -q --color --no-color --help -h'
            ;;
        'config check')
            options='--provider --base-url --balance --json --quiet -q --color --no-color --help -h'
            valued='^(--provider|--base-url)$'
            ;;
        'models')
            options='--provider --check --base-url --json --color --no-color --help -h'
            valued='^(--provider|--base-url)$'
            ;;
        'sandbox')
            options='--port --latency --key --log --fault --quiet -q --color --no-color --help -h'
            valued='^(--port|--latency|--key|--log|--fault)$'
            ;;
        'completion')
            options='--help -h'
            ;;
        'help')
            options='--json --help -h'
            ;;
        'version')
            options='--help -h'
            ;;
    esac
}

# What goes into $2 of command $1, an option or the number of an argument after `last`.
_nb_values() {
    values=''
    case "$1 $2" in
        'generate --aspect' | 'generate -a' | 'caption --aspect' | 'caption -a' | 'batch --aspect' | 'batch -a')
            values='1:1 2:3 3:2 3:4 4:3 4:5 5:4 9:16 16:9 21:9 1:4 4:1 1:8 8:1'
            ;;
        'generate --size' | 'generate -s' | 'caption --size' | 'caption -s' | 'batch --size' | 'batch -s')
            values='0.5K 1K 2K 4K'
            ;;
        'generate --fit' | 'caption --fit')
            values='1200x630 1080x1080 1080x1920 1280x720 1500x500'
            ;;
        'generate --image' | 'generate -i' | 'caption --image' | 'caption -i' | 'caption '[0-9]*)
            values='files .png .jpg .jpeg .webp .gif .tiff .tif .bmp .avif .jfif .heic .heif'
            ;;
        'generate --prompt-file' | 'generate --output' | 'generate -o' | 'generate --alt-file' | 'caption --text-file' | 'caption --context-file' | 'caption --prompt-file' | 'caption --output' | 'caption -o' | 'batch --gallery' | 'extract --output' | 'extract -o' | 'extract '[0-9]* | 'log '[0-9]* | 'sandbox --log')
            values='files'
            ;;
        'generate --thinking' | 'caption --thinking')
            values='minimal medium high'
            ;;
        'generate --format' | 'caption --format' | 'batch --format' | 'extract --format')
            values='auto png jpeg webp'
            ;;
        'generate --continue' | 'caption --continue')
            values='files .png .jpg .jpeg .webp .gif .tiff .tif .bmp .avif .jfif .heic .heif .chat.json'
            ;;
        'generate --model' | 'generate -m' | 'caption --model' | 'caption -m' | 'batch --model' | 'batch -m')
            values='gemini-3.1-flash-image-preview gemini-3.1-flash-image gemini-nano-banana-2.1 gemini-3-pro-image gemini-3-pro-image-preview gemini-3.1-flash-lite-image gemini-2.5-flash-image nb2 nb2.1 pro lite'
            ;;
        'generate --provider' | 'caption --provider' | 'batch --provider' | 'config set --provider' | 'config unset --provider' | 'config check --provider' | 'models --provider')
            values='wisgate google sandbox'
            ;;
        'caption --style')
            values='alt long title tags'
            ;;
        'caption --as')
            values='text json json-map markdown html csv csv-bom'
            ;;
        'caption --relative-to' | 'caption --root' | 'batch --output' | 'batch -o')
            values='folders'
            ;;
        'batch --retry')
            values='refused bad-reply unknown all'
            ;;
        'batch 0')
            values='files .toml .jsonl .ndjson .json .csv .tsv .txt'
            ;;
        'log --sum')
            values='day model provider'
            ;;
        'config set 0' | 'config unset 0' | 'config get 0')
            values='provider base-url model caption-model aspect size timeout retries wait max-cost concurrency format output-folder alt open preview price confirm-above log keep-replies memory-limit api-key api-key-file wisgate.api-key wisgate.api-key-file wisgate.base-url google.api-key google.api-key-file google.base-url sandbox.base-url'
            ;;
        'sandbox --fault')
            values='307 400 401 402 403 404 413 429 500 502 503 504 credit spending-cap no-free-tier gateway-500 firewall nested safety no-image recitation prohibited blocked max-tokens text empty null-parts no-text jpeg lying drafts several multi link file-uri chunks sse wrapped padded snake data-uri small wrong-ratio corrupt html not-json success-false cut reset hang slow trickle mix'
            ;;
        'completion 0')
            values='bash zsh fish powershell'
            ;;
        'help '[0-9]*)
            values='generate caption batch extract log config models sandbox completion help version agents'
            ;;
        'config set 1')
            case $last in
                provider) values='wisgate google sandbox' ;;
                model | caption-model) values='gemini-3.1-flash-image-preview gemini-3.1-flash-image gemini-nano-banana-2.1 gemini-3-pro-image gemini-3-pro-image-preview gemini-3.1-flash-lite-image gemini-2.5-flash-image nb2 nb2.1 pro lite' ;;
                aspect) values='1:1 2:3 3:2 3:4 4:3 4:5 5:4 9:16 16:9 21:9 1:4 4:1 1:8 8:1' ;;
                size) values='0.5K 1K 2K 4K' ;;
                format) values='auto png jpeg webp' ;;
                output-folder) values='folders' ;;
                alt | open | preview | log | keep-replies) values='true false' ;;
                api-key-file | wisgate.api-key-file | google.api-key-file) values='files' ;;
            esac
            ;;
    esac
}

# The words before the cursor as the shell will see them: readline breaks them at : and = too.
_nb_words() {
    local line=${COMP_LINE:0:COMP_POINT} gap word i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        gap=${line%%[![:space:]]*}
        line=${line#"$gap"}
        word=${COMP_WORDS[i]:0:${#line}}
        line=${line:${#word}}
        if [[ -z $gap && i -gt 0 ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words[${#words[@]}]=$word
        fi
    done
}

# Offers those of the words $2 that begin with $1, leaving off what readline will not replace.
_nb_offer() {
    local typed=$1 kept='' choice breaks=''
    [[ $COMP_WORDBREAKS == *:* ]] && breaks=:
    [[ $COMP_WORDBREAKS == *=* ]] && breaks+='='
    case $typed in
        [\"\']*) typed=${typed:1} ;;
        *) [[ -n $breaks ]] && kept=${typed%"${typed##*["$breaks"]}"} ;;
    esac
    for choice in $2; do
        [[ $choice == "$typed"* ]] && COMPREPLY[${#COMPREPLY[@]}]=${choice#"$kept"}
    done
}

# Offers the folders, and the files with one of the suffixes $2, that begin with $1; without any,
# or with quotes and the like in $1, which readline knows how to replace, all files.
_nb_offer_files() {
    local name suffix
    if [[ $1 != *[\"\'\\~:=]* ]] && compopt -o filenames +o nosort 2>/dev/null; then
        while IFS= read -r name; do
            suffix=.${name##*.}
            if [[ -d $name || " $2 " == *" ${suffix,,} "* ]]; then
                COMPREPLY[${#COMPREPLY[@]}]=$name
            fi
        done < <(compgen -f -- "$1")
    fi
    [[ ${#COMPREPLY[@]} == 0 ]] && compopt -o default +o nosort 2>/dev/null
}

# Offers what $2 of command $1 takes; $3 is typed of it, after the $4 that belongs to its word.
_nb_offer_values() {
    local values choice whole=''
    _nb_values "$1" "$2"
    if [[ $values == files ]]; then
        compopt -o default +o nosort 2>/dev/null
    elif [[ $values == files\ * || $values == folders ]]; then
        _nb_offer_files "$3" "${values#* }"
    elif [[ $3 == [\"\']* ]]; then
        _nb_offer "$3" "$values"
    else
        for choice in $values; do
            whole+=" $4$choice"
        done
        _nb_offer "$4$3" "$whole"
    fi
}

_nb() {
    local IFS=$' \t\n' words commands options valued
    local path='' pending='' rest=0 position=0 last='' word i redirection='^[0-9&]*[<>]+'
    COMPREPLY=()
    _nb_words
    local current=${words[${#words[@]} - 1]} previous=${words[${#words[@]} - 2]}
    # After > or <, the shell's own completion of file names is right.
    [[ $current =~ $redirection || $previous =~ $redirection$ ]] && return
    compopt +o default 2>/dev/null
    _nb_command ''
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        if [[ -n $pending ]]; then
            pending=''
        elif [[ $rest == 0 && $word == -- ]]; then
            rest=1
        elif [[ $rest == 0 && $word == -?* ]]; then
            [[ -n $valued && $word =~ $valued ]] && pending=$word
        elif [[ " $commands " == *" $word "* ]]; then
            path=${path:+$path }$word
            _nb_command "$path"
        else
            position=$((position + 1))
            last=$word
        fi
    done
    if [[ $pending == -[!-]* ]]; then
        pending=-${pending: -1}
    fi
    if [[ -n $pending ]]; then
        _nb_offer_values "$path" "$pending" "$current" ''
    elif [[ $rest == 0 && $current == --*=* ]]; then
        _nb_offer_values "$path" "${current%%=*}" "${current#*=}" "${current%%=*}="
    elif [[ $rest == 0 && $current == -* ]]; then
        _nb_offer "$current" "$options"
    elif [[ -n $commands ]]; then
        _nb_offer "$current" "$commands"
    else
        _nb_offer_values "$path" "$position" "$current" ''
    fi
}

complete -o default -o nosort -F _nb nb nanobanana 2>/dev/null ||
    complete -o default -F _nb nb nanobanana
