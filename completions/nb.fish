# fish completion for nb. Generated from the command tree; do not edit.

# Sets the command that has been typed, as `config set`, how many of its arguments there are, and
# the last one of them.
function __nb_find_place
    set -l words (commandline -opc)
    # fish asks dozens of conditions at each TAB, all about the same words.
    set -l line (string join \x1f -- $words)
    test "$line" = "$__nb_line"; and return
    set -g __nb_line $line
    set -e words[1]
    set -l known 'generate' 'caption' 'batch' 'extract' 'log' 'config' 'config set' 'config unset' 'config get' 'config list' 'config edit' 'config path' 'config check' 'models' 'sandbox' 'completion' 'help' 'version'
    set -l path ''
    set -l arguments 0
    set -l last ''
    set -l rest 0
    set -l pending 0
    for word in $words
        if test $pending = 1
            set pending 0
        else if test $rest = 0; and test "$word" = --
            set rest 1
        else if test $rest = 0; and string match -qr -- '^-.' $word
            __nb_value_follows "$path" $word
            and set pending 1
        else if contains -- (string trim "$path $word") $known
            set path (string trim "$path $word")
        else
            set arguments (math $arguments + 1)
            set last $word
        end
    end
    set -g __nb_path $path
    set -g __nb_arguments $arguments
    set -g __nb_last $last
end

# Whether the word after option $2 of command $1 is its value.
function __nb_value_follows
    switch $argv[1]
        case 'generate'
            string match -qr -- '^(-[qvh]*[asionm]|--aspect|--size|--fit|--image|--prompt-file|--thinking|--system|--temperature|--seed|--output|--format|--count|--continue|--alt-file|--model|--provider|--base-url|--timeout|--retries|--wait|--max-cost)$' $argv[2]
        case 'caption'
            string match -qr -- '^(-[rqvh]*[asionm]|--style|--max-chars|--lang|--text|--text-file|--context|--context-file|--as|--relative-to|--concurrency|--root|--aspect|--size|--fit|--image|--prompt-file|--thinking|--system|--temperature|--seed|--output|--format|--count|--continue|--model|--provider|--base-url|--timeout|--retries|--wait|--max-cost)$' $argv[2]
        case 'batch'
            string match -qr -- '^(-[qvh]*[oasm]|--accept|--only|--limit|--shard|--retry|--remake|--concurrency|--rpm|--max-failures|--max-cost|--max-images|--max-total-cost|--output|--gallery|--format|--aspect|--size|--model|--provider|--base-url|--timeout|--retries|--wait)$' $argv[2]
        case 'extract'
            string match -qr -- '^(-[qvh]*[o]|--output|--format)$' $argv[2]
        case 'log'
            string match -qr -- '^(-[qh]*[n]|--count|--since|--before|--sum)$' $argv[2]
        case 'config set'
            string match -qr -- '^(--provider)$' $argv[2]
        case 'config unset'
            string match -qr -- '^(--provider)$' $argv[2]
        case 'config check'
            string match -qr -- '^(--provider|--base-url)$' $argv[2]
        case 'models'
            string match -qr -- '^(--provider|--base-url)$' $argv[2]
        case 'sandbox'
            string match -qr -- '^(--port|--latency|--key|--log|--fault)$' $argv[2]
        case '*'
            return 1
    end
end

function __nb_in
    __nb_find_place
    test "$__nb_path" = "$argv[1]"
end

function __nb_at
    __nb_in $argv[1]; and test "$__nb_arguments" = "$argv[2]"
end

function __nb_after
    __nb_at $argv[1..2]; and contains -- $__nb_last $argv[3..-1]
end

# Prints the folders, and the files with one of these suffixes, that begin with what is typed; all
# files if none has one.
function __nb_files
    set -l typed (commandline -ct | string replace -r '^(--[^=]*=|-\w)' '')
    set -l files (complete -C "__nb_no_command $typed")
    set -l endings (string join '|' -- $argv)
    set -l wanted (string match -rei -- "(?:/|\\.(?:$endings))\$" $files)
    string match -qr -- '[^/]$' $wanted; or test (count $argv) = 0; or set wanted $files
    printf '%s\n' $wanted
end

complete -c nb -f
complete -c nb -n '__nb_at \'\' 0' -a 'generate' -d 'Make an image from a prompt'
complete -c nb -n '__nb_at \'\' 0' -a 'caption' -d 'Make an image with its alt text, or alt text for existing images'
complete -c nb -n '__nb_at \'\' 0' -a 'batch' -d 'Make many images from a manifest, never paying for one twice'
complete -c nb -n '__nb_at \'\' 0' -a 'extract' -d 'Take images and texts out of saved replies, without a call'
complete -c nb -n '__nb_at \'\' 0' -a 'log' -d 'Show what was made and paid here, the newest first'
complete -c nb -n '__nb_at \'\' 0' -a 'config' -d 'Set, show and check stored settings'
complete -c nb -n '__nb_at \'\' 0' -a 'models' -d 'Show what each model accepts and costs, and whether Google still serves it'
complete -c nb -n '__nb_at \'\' 0' -a 'sandbox' -d 'Run a local server that speaks the protocol of the service, free and offline'
complete -c nb -n '__nb_at \'\' 0' -a 'completion' -d 'Print the completion script of a shell'
complete -c nb -n '__nb_at \'\' 0' -a 'help' -d 'Show the help of a command'
complete -c nb -n '__nb_at \'\' 0' -a 'version' -d 'Show the version of nb, of Python, and of the system'
complete -c nb -n '__nb_in \'\'' -l version -s V -d 'Show the version and exit'
complete -c nb -n '__nb_in \'\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'generate\'' -l aspect -s a -x -k -a '1:1\\t\'1024x1024 pixels at 1K\'
2:3\\t\'848x1264 pixels at 1K\'
3:2\\t\'1264x848 pixels at 1K\'
3:4\\t\'896x1200 pixels at 1K\'
4:3\\t\'1200x896 pixels at 1K\'
4:5\\t\'928x1152 pixels at 1K\'
5:4\\t\'1152x928 pixels at 1K\'
9:16\\t\'768x1376 pixels at 1K\'
16:9\\t\'1376x768 pixels at 1K\'
21:9\\t\'1584x672 pixels at 1K\'
1:4\\t\'512x2048 pixels at 1K\'
4:1\\t\'2048x512 pixels at 1K\'
1:8\\t\'384x3072 pixels at 1K\'
8:1\\t\'3072x384 pixels at 1K\'' -d 'Aspect ratio, such as 16:9, or landscape'
complete -c nb -n '__nb_in \'generate\'' -l size -s s -x -k -a '0.5K\\t\'512x512 pixels at 1:1\'
1K\\t\'1024x1024 pixels at 1:1\'
2K\\t\'2048x2048 pixels at 1:1\'
4K\\t\'4096x4096 pixels at 1:1\'' -d 'Image size: 0.5K, 1K, 2K or 4K'
complete -c nb -n '__nb_in \'generate\'' -l fit -x -k -a '1200x630\\t\'link previews (Open Graph)\'
1080x1080\\t\'square posts\'
1080x1920\\t\'stories\'
1280x720\\t\'video thumbnails\'
1500x500\\t\'page headers\'' -d 'Deliver exactly so many pixels, such as 1200x630, cut out of the least ratio and size that need no enlarging'
complete -c nb -n '__nb_in \'generate\'' -l transparent -d 'Make the background transparent: PNG, or WebP if named so'
complete -c nb -n '__nb_in \'generate\'' -l image -s i -x -a '(__nb_files png jpg jpeg webp gif tiff tif bmp avif jfif heic heif)' -d 'Reference image: a file, an https address, or - for stdin'
complete -c nb -n '__nb_in \'generate\'' -l prompt-file -r -F -d 'Read the prompt from FILE'
complete -c nb -n '__nb_in \'generate\'' -l thinking -x -k -a 'minimal
medium
high' -d 'Thinking level: minimal, medium or high'
complete -c nb -n '__nb_in \'generate\'' -l search -d 'Ground the image in a web search'
complete -c nb -n '__nb_in \'generate\'' -l system -x -d 'System instruction'
complete -c nb -n '__nb_in \'generate\'' -l temperature -x -d 'Sampling temperature, from 0 to 2'
complete -c nb -n '__nb_in \'generate\'' -l seed -x -d 'Random seed, sent as is'
complete -c nb -n '__nb_in \'generate\'' -l output -s o -r -F -d 'File (.png and the like may be left out), folder, or - for stdout'
complete -c nb -n '__nb_in \'generate\'' -l format -x -k -a 'auto\\t\'as received, or by the file\\\'s name\'
png
jpeg
webp' -d 'auto (by the file\'s name, else as received), png, jpeg or webp'
complete -c nb -n '__nb_in \'generate\'' -l force -d 'Replace an existing file'
complete -c nb -n '__nb_in \'generate\'' -l skip-existing -d 'Leave an existing file alone'
complete -c nb -n '__nb_in \'generate\'' -l all -d 'Save every finished image of a reply'
complete -c nb -n '__nb_in \'generate\'' -l open -d 'Open the image in the desktop\'s viewer, too'
complete -c nb -n '__nb_in \'generate\'' -l no-open -d 'Open the image in the desktop\'s viewer, too'
complete -c nb -n '__nb_in \'generate\'' -l preview -d 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'
complete -c nb -n '__nb_in \'generate\'' -l no-preview -d 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'
complete -c nb -n '__nb_in \'generate\'' -l count -s n -x -d 'Number of images, one call each, in parallel'
complete -c nb -n '__nb_in \'generate\'' -l chat -d 'Keep the conversation beside the image: fox.png, fox.chat.json'
complete -c nb -n '__nb_in \'generate\'' -l continue -x -a '(__nb_files png jpg jpeg webp gif tiff tif bmp avif jfif heic heif chat.json)' -d 'Go on from the conversation beside FILE, or in it, and keep the new one'
complete -c nb -n '__nb_in \'generate\'' -l alt -d 'Also write alt text beside the image: fox.png, fox.alt.txt'
complete -c nb -n '__nb_in \'generate\'' -l no-alt -d 'Also write alt text beside the image: fox.png, fox.alt.txt'
complete -c nb -n '__nb_in \'generate\'' -l alt-file -r -F -d 'Also write alt text, to FILE'
complete -c nb -n '__nb_in \'generate\'' -l model -s m -x -k -a 'gemini-3.1-flash-image-preview\\t\'Nano Banana 2\'
gemini-3.1-flash-image\\t\'Nano Banana 2, general release\'
gemini-nano-banana-2.1\\t\'Nano Banana 2.1\'
gemini-3-pro-image\\t\'Nano Banana Pro\'
gemini-3-pro-image-preview\\t\'Nano Banana Pro, preview\'
gemini-3.1-flash-lite-image\\t\'Nano Banana 2 Lite\'
gemini-2.5-flash-image\\t\'Nano Banana\'
nb2\\t\'gemini-3.1-flash-image-preview\'
nb2.1\\t\'gemini-nano-banana-2.1\'
pro\\t\'gemini-3-pro-image-preview\'
lite\\t\'gemini-3.1-flash-lite-image\'' -d 'Model, by id or alias (nb2, pro)'
complete -c nb -n '__nb_in \'generate\'' -l provider -x -k -a 'wisgate\\t\'https://wisgate.ai\'
google\\t\'https://generativelanguage.googleapis.com\'
sandbox\\t\'embedded, free and offline\'' -d 'wisgate, google, or sandbox (free, offline)'
complete -c nb -n '__nb_in \'generate\'' -l base-url -x -d 'Base URL of the provider'
complete -c nb -n '__nb_in \'generate\'' -l timeout -x -d 'Deadline for one attempt'
complete -c nb -n '__nb_in \'generate\'' -l retries -x -d 'Resends after a failure that is known to be free'
complete -c nb -n '__nb_in \'generate\'' -l wait -x -d 'Keep trying what is known to be free for so long, such as 30m'
complete -c nb -n '__nb_in \'generate\'' -l max-cost -x -d 'Refuse to start what could cost more'
complete -c nb -n '__nb_in \'generate\'' -l yes -d 'Do not ask before what could cost more than $10'
complete -c nb -n '__nb_in \'generate\'' -l dry-run -d 'Print the request as JSON, and the price'
complete -c nb -n '__nb_in \'generate\'' -l curl -d 'Print the request as a curl command'
complete -c nb -n '__nb_in \'generate\'' -l json -d 'Print one JSON line for each result'
complete -c nb -n '__nb_in \'generate\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'generate\'' -l verbose -s v -d 'Show each step of the request'
complete -c nb -n '__nb_in \'generate\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'generate\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'generate\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'caption\'' -x -a '(__nb_files png jpg jpeg webp gif tiff tif bmp avif jfif heic heif)'
complete -c nb -n '__nb_in \'caption\'' -l style -x -k -a 'alt\\t\'alt text, up to 125 characters\'
long\\t\'description, up to 800 characters\'
title\\t\'title, up to 60 characters\'
tags\\t\'tags, up to 150 characters\'' -d 'alt (a short phrase), long (a full description), title or tags'
complete -c nb -n '__nb_in \'caption\'' -l max-chars -x -d 'Length limit in characters'
complete -c nb -n '__nb_in \'caption\'' -l lang -x -d 'Language, by name or BCP 47 tag: German, de-CH'
complete -c nb -n '__nb_in \'caption\'' -l text -x -d 'Write or embed this text, without a call'
complete -c nb -n '__nb_in \'caption\'' -l text-file -r -F -d 'Write or embed the text in FILE, or those of a CSV file of path and text'
complete -c nb -n '__nb_in \'caption\'' -l context -x -d 'Text of the page that the image is on: alt text depends on it'
complete -c nb -n '__nb_in \'caption\'' -l context-file -r -F -d 'Read the context from FILE: all of it, or the part around the image it names'
complete -c nb -n '__nb_in \'caption\'' -l as -x -k -a 'text
json
json-map
markdown
html
csv
csv-bom' -d 'text, json (lines), json-map (one object), markdown, html, csv, or csv-bom for Excel'
complete -c nb -n '__nb_in \'caption\'' -l relative-to -x -a '(__nb_files)' -d 'Print image paths relative to FOLDER'
complete -c nb -n '__nb_in \'caption\'' -l write -d 'Write each text beside its image'
complete -c nb -n '__nb_in \'caption\'' -l embed -d 'Embed each text in its image file, as IPTC alt text (XMP)'
complete -c nb -n '__nb_in \'caption\'' -l again -d 'Pay for new texts, and replace those that are there'
complete -c nb -n '__nb_in \'caption\'' -l break-signature -d 'Embed in files that are signed with C2PA, too'
complete -c nb -n '__nb_in \'caption\'' -l recursive -s r -d 'Search folders for images, too'
complete -c nb -n '__nb_in \'caption\'' -l concurrency -x -d 'Maximum number of calls at once'
complete -c nb -n '__nb_in \'caption\'' -l check -d 'Check existing texts, without key or network'
complete -c nb -n '__nb_in \'caption\'' -l strict -d 'With --check, fail on warnings and on images that cannot be looked at, too'
complete -c nb -n '__nb_in \'caption\'' -l decorative -d 'Give the images an empty text, alt="", without a call'
complete -c nb -n '__nb_in \'caption\'' -l read -d 'Print the text embedded in each image'
complete -c nb -n '__nb_in \'caption\'' -l pages -d 'TARGETs are Markdown and HTML pages, or folders of them: print a diff that gives alt text to their images without'
complete -c nb -n '__nb_in \'caption\'' -l apply -d 'With --pages, write the texts into the pages'
complete -c nb -n '__nb_in \'caption\'' -l root -x -a '(__nb_files)' -d 'With --pages, the folder that / stands for in addresses: /img/fox.png'
complete -c nb -n '__nb_in \'caption\'' -l aspect -s a -x -k -a '1:1\\t\'1024x1024 pixels at 1K\'
2:3\\t\'848x1264 pixels at 1K\'
3:2\\t\'1264x848 pixels at 1K\'
3:4\\t\'896x1200 pixels at 1K\'
4:3\\t\'1200x896 pixels at 1K\'
4:5\\t\'928x1152 pixels at 1K\'
5:4\\t\'1152x928 pixels at 1K\'
9:16\\t\'768x1376 pixels at 1K\'
16:9\\t\'1376x768 pixels at 1K\'
21:9\\t\'1584x672 pixels at 1K\'
1:4\\t\'512x2048 pixels at 1K\'
4:1\\t\'2048x512 pixels at 1K\'
1:8\\t\'384x3072 pixels at 1K\'
8:1\\t\'3072x384 pixels at 1K\'' -d 'Aspect ratio, such as 16:9, or landscape'
complete -c nb -n '__nb_in \'caption\'' -l size -s s -x -k -a '0.5K\\t\'512x512 pixels at 1:1\'
1K\\t\'1024x1024 pixels at 1:1\'
2K\\t\'2048x2048 pixels at 1:1\'
4K\\t\'4096x4096 pixels at 1:1\'' -d 'Image size: 0.5K, 1K, 2K or 4K'
complete -c nb -n '__nb_in \'caption\'' -l fit -x -k -a '1200x630\\t\'link previews (Open Graph)\'
1080x1080\\t\'square posts\'
1080x1920\\t\'stories\'
1280x720\\t\'video thumbnails\'
1500x500\\t\'page headers\'' -d 'Deliver exactly so many pixels, such as 1200x630, cut out of the least ratio and size that need no enlarging'
complete -c nb -n '__nb_in \'caption\'' -l transparent -d 'Make the background transparent: PNG, or WebP if named so'
complete -c nb -n '__nb_in \'caption\'' -l image -s i -x -a '(__nb_files png jpg jpeg webp gif tiff tif bmp avif jfif heic heif)' -d 'Reference image: a file, an https address, or - for stdin'
complete -c nb -n '__nb_in \'caption\'' -l prompt-file -r -F -d 'Read the prompt from FILE'
complete -c nb -n '__nb_in \'caption\'' -l thinking -x -k -a 'minimal
medium
high' -d 'Thinking level: minimal, medium or high'
complete -c nb -n '__nb_in \'caption\'' -l search -d 'Ground the image in a web search'
complete -c nb -n '__nb_in \'caption\'' -l system -x -d 'System instruction'
complete -c nb -n '__nb_in \'caption\'' -l temperature -x -d 'Sampling temperature, from 0 to 2'
complete -c nb -n '__nb_in \'caption\'' -l seed -x -d 'Random seed, sent as is'
complete -c nb -n '__nb_in \'caption\'' -l output -s o -r -F -d 'File (.png and the like may be left out), folder, or - for stdout'
complete -c nb -n '__nb_in \'caption\'' -l format -x -k -a 'auto\\t\'as received, or by the file\\\'s name\'
png
jpeg
webp' -d 'auto (by the file\'s name, else as received), png, jpeg or webp'
complete -c nb -n '__nb_in \'caption\'' -l force -d 'Replace an existing file'
complete -c nb -n '__nb_in \'caption\'' -l skip-existing -d 'Leave an existing file alone'
complete -c nb -n '__nb_in \'caption\'' -l all -d 'Save every finished image of a reply'
complete -c nb -n '__nb_in \'caption\'' -l open -d 'Open the image in the desktop\'s viewer, too'
complete -c nb -n '__nb_in \'caption\'' -l no-open -d 'Open the image in the desktop\'s viewer, too'
complete -c nb -n '__nb_in \'caption\'' -l preview -d 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'
complete -c nb -n '__nb_in \'caption\'' -l no-preview -d 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'
complete -c nb -n '__nb_in \'caption\'' -l count -s n -x -d 'Number of images, one call each, in parallel'
complete -c nb -n '__nb_in \'caption\'' -l chat -d 'Keep the conversation beside the image: fox.png, fox.chat.json'
complete -c nb -n '__nb_in \'caption\'' -l continue -x -a '(__nb_files png jpg jpeg webp gif tiff tif bmp avif jfif heic heif chat.json)' -d 'Go on from the conversation beside FILE, or in it, and keep the new one'
complete -c nb -n '__nb_in \'caption\'' -l model -s m -x -k -a 'gemini-3.1-flash-image-preview\\t\'Nano Banana 2\'
gemini-3.1-flash-image\\t\'Nano Banana 2, general release\'
gemini-nano-banana-2.1\\t\'Nano Banana 2.1\'
gemini-3-pro-image\\t\'Nano Banana Pro\'
gemini-3-pro-image-preview\\t\'Nano Banana Pro, preview\'
gemini-3.1-flash-lite-image\\t\'Nano Banana 2 Lite\'
gemini-2.5-flash-image\\t\'Nano Banana\'
nb2\\t\'gemini-3.1-flash-image-preview\'
nb2.1\\t\'gemini-nano-banana-2.1\'
pro\\t\'gemini-3-pro-image-preview\'
lite\\t\'gemini-3.1-flash-lite-image\'' -d 'Model, by id or alias (nb2, pro)'
complete -c nb -n '__nb_in \'caption\'' -l provider -x -k -a 'wisgate\\t\'https://wisgate.ai\'
google\\t\'https://generativelanguage.googleapis.com\'
sandbox\\t\'embedded, free and offline\'' -d 'wisgate, google, or sandbox (free, offline)'
complete -c nb -n '__nb_in \'caption\'' -l base-url -x -d 'Base URL of the provider'
complete -c nb -n '__nb_in \'caption\'' -l timeout -x -d 'Deadline for one attempt'
complete -c nb -n '__nb_in \'caption\'' -l retries -x -d 'Resends after a failure that is known to be free'
complete -c nb -n '__nb_in \'caption\'' -l wait -x -d 'Keep trying what is known to be free for so long, such as 30m'
complete -c nb -n '__nb_in \'caption\'' -l max-cost -x -d 'Refuse to start what could cost more'
complete -c nb -n '__nb_in \'caption\'' -l yes -d 'Do not ask before what could cost more than $10'
complete -c nb -n '__nb_in \'caption\'' -l dry-run -d 'Print the request as JSON, and the price'
complete -c nb -n '__nb_in \'caption\'' -l curl -d 'Print the request as a curl command'
complete -c nb -n '__nb_in \'caption\'' -l json -d 'Print one JSON line for each result'
complete -c nb -n '__nb_in \'caption\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'caption\'' -l verbose -s v -d 'Show each step of the request'
complete -c nb -n '__nb_in \'caption\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'caption\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'caption\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_at \'batch\' 0' -x -a '(__nb_files toml jsonl ndjson json csv tsv txt)'
complete -c nb -n '__nb_in \'batch\'' -l dry-run -d 'List what would be made and its price'
complete -c nb -n '__nb_in \'batch\'' -l check -d 'Exit 0 if every image is up to date, else 3'
complete -c nb -n '__nb_in \'batch\'' -l status -d 'List what is there, what failed, why, when and at what cost'
complete -c nb -n '__nb_in \'batch\'' -l init -d 'Write an example manifest: images.toml, or MANIFEST'
complete -c nb -n '__nb_in \'batch\'' -l accept -x -d 'Record the files of these images as they are'
complete -c nb -n '__nb_in \'batch\'' -l prune -d 'List files of rows that are gone, and leftovers of killed runs'
complete -c nb -n '__nb_in \'batch\'' -l delete -d 'With --prune: remove them'
complete -c nb -n '__nb_in \'batch\'' -l only -x -d 'Only images whose path matches'
complete -c nb -n '__nb_in \'batch\'' -l limit -x -d 'Make only the first N'
complete -c nb -n '__nb_in \'batch\'' -l shuffle -d 'Make them in random order'
complete -c nb -n '__nb_in \'batch\'' -l shard -x -d 'Only the Kth of N parts, the same on every machine'
complete -c nb -n '__nb_in \'batch\'' -l retry -x -k -a 'refused\\t\'the service refused it, or only sent text\'
bad-reply\\t\'the reply could not be used\'
unknown\\t\'timed out, cut off, or killed\'
all\\t\'all of these\'' -d 'Make again what may have been paid for: refused, bad-reply, unknown or all'
complete -c nb -n '__nb_in \'batch\'' -l remake -x -d 'Make these images anew, and no others'
complete -c nb -n '__nb_in \'batch\'' -l concurrency -x -d 'Maximum number of calls at once'
complete -c nb -n '__nb_in \'batch\'' -l rpm -x -d 'Maximum number of calls started per minute, evenly spread'
complete -c nb -n '__nb_in \'batch\'' -l fail-fast -d 'Start no more calls after a failure'
complete -c nb -n '__nb_in \'batch\'' -l max-failures -x -d 'Stop after N failures in a row that may have been charged, or were refusals'
complete -c nb -n '__nb_in \'batch\'' -l max-cost -x -d 'Limit for this run'
complete -c nb -n '__nb_in \'batch\'' -l max-images -x -d 'Limit for the calls of this run that may be charged'
complete -c nb -n '__nb_in \'batch\'' -l max-total-cost -x -d 'Limit for this run plus everything in the local ledgers'
complete -c nb -n '__nb_in \'batch\'' -l yes -d 'Do not ask before what could cost more than $10'
complete -c nb -n '__nb_in \'batch\'' -l output -s o -x -a '(__nb_files)' -d 'Folder that outputs are relative to'
complete -c nb -n '__nb_in \'batch\'' -l gallery -r -F -d 'Write a gallery of all images, such as index.html'
complete -c nb -n '__nb_in \'batch\'' -l format -x -k -a 'auto\\t\'as received, or by the file\\\'s name\'
png
jpeg
webp' -d 'Format for rows that set none: auto, png, jpeg or webp'
complete -c nb -n '__nb_in \'batch\'' -l alt -d 'Also write alt text, for rows that do not set alt'
complete -c nb -n '__nb_in \'batch\'' -l no-alt -d 'Also write alt text, for rows that do not set alt'
complete -c nb -n '__nb_in \'batch\'' -l force -d 'Replace files that are edited or in no ledger'
complete -c nb -n '__nb_in \'batch\'' -l skip-existing -d 'Leave files alone that are edited or in no ledger'
complete -c nb -n '__nb_in \'batch\'' -l aspect -s a -x -k -a '1:1\\t\'1024x1024 pixels at 1K\'
2:3\\t\'848x1264 pixels at 1K\'
3:2\\t\'1264x848 pixels at 1K\'
3:4\\t\'896x1200 pixels at 1K\'
4:3\\t\'1200x896 pixels at 1K\'
4:5\\t\'928x1152 pixels at 1K\'
5:4\\t\'1152x928 pixels at 1K\'
9:16\\t\'768x1376 pixels at 1K\'
16:9\\t\'1376x768 pixels at 1K\'
21:9\\t\'1584x672 pixels at 1K\'
1:4\\t\'512x2048 pixels at 1K\'
4:1\\t\'2048x512 pixels at 1K\'
1:8\\t\'384x3072 pixels at 1K\'
8:1\\t\'3072x384 pixels at 1K\'' -d 'Aspect ratio, such as 16:9, or landscape'
complete -c nb -n '__nb_in \'batch\'' -l size -s s -x -k -a '0.5K\\t\'512x512 pixels at 1:1\'
1K\\t\'1024x1024 pixels at 1:1\'
2K\\t\'2048x2048 pixels at 1:1\'
4K\\t\'4096x4096 pixels at 1:1\'' -d 'Image size: 0.5K, 1K, 2K or 4K'
complete -c nb -n '__nb_in \'batch\'' -l model -s m -x -k -a 'gemini-3.1-flash-image-preview\\t\'Nano Banana 2\'
gemini-3.1-flash-image\\t\'Nano Banana 2, general release\'
gemini-nano-banana-2.1\\t\'Nano Banana 2.1\'
gemini-3-pro-image\\t\'Nano Banana Pro\'
gemini-3-pro-image-preview\\t\'Nano Banana Pro, preview\'
gemini-3.1-flash-lite-image\\t\'Nano Banana 2 Lite\'
gemini-2.5-flash-image\\t\'Nano Banana\'
nb2\\t\'gemini-3.1-flash-image-preview\'
nb2.1\\t\'gemini-nano-banana-2.1\'
pro\\t\'gemini-3-pro-image-preview\'
lite\\t\'gemini-3.1-flash-lite-image\'' -d 'Model, by id or alias (nb2, pro)'
complete -c nb -n '__nb_in \'batch\'' -l provider -x -k -a 'wisgate\\t\'https://wisgate.ai\'
google\\t\'https://generativelanguage.googleapis.com\'
sandbox\\t\'embedded, free and offline\'' -d 'wisgate, google, or sandbox (free, offline)'
complete -c nb -n '__nb_in \'batch\'' -l base-url -x -d 'Base URL of the provider'
complete -c nb -n '__nb_in \'batch\'' -l timeout -x -d 'Deadline for one attempt'
complete -c nb -n '__nb_in \'batch\'' -l retries -x -d 'Resends after a failure that is known to be free'
complete -c nb -n '__nb_in \'batch\'' -l wait -x -d 'Keep trying what is known to be free for so long, such as 30m'
complete -c nb -n '__nb_in \'batch\'' -l json -d 'Print one JSON line for each result'
complete -c nb -n '__nb_in \'batch\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'batch\'' -l verbose -s v -d 'Show each step of the request'
complete -c nb -n '__nb_in \'batch\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'batch\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'batch\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'extract\'' -r -F
complete -c nb -n '__nb_in \'extract\'' -l output -s o -r -F -d 'File (.png and the like may be left out), folder, or - for stdout'
complete -c nb -n '__nb_in \'extract\'' -l format -x -k -a 'auto\\t\'as received, or by the file\\\'s name\'
png
jpeg
webp' -d 'auto (by the file\'s name, else as received), png, jpeg or webp'
complete -c nb -n '__nb_in \'extract\'' -l force -d 'Replace an existing file'
complete -c nb -n '__nb_in \'extract\'' -l skip-existing -d 'Leave an existing file alone'
complete -c nb -n '__nb_in \'extract\'' -l all -d 'Save every finished image of a reply'
complete -c nb -n '__nb_in \'extract\'' -l open -d 'Open the image in the desktop\'s viewer, too'
complete -c nb -n '__nb_in \'extract\'' -l no-open -d 'Open the image in the desktop\'s viewer, too'
complete -c nb -n '__nb_in \'extract\'' -l preview -d 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'
complete -c nb -n '__nb_in \'extract\'' -l no-preview -d 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'
complete -c nb -n '__nb_in \'extract\'' -l text -d 'Also print the text of the reply'
complete -c nb -n '__nb_in \'extract\'' -l alt -d 'Write the text beside the image: fox.png, fox.alt.txt'
complete -c nb -n '__nb_in \'extract\'' -l fetch -d 'Fetch an image that is a link'
complete -c nb -n '__nb_in \'extract\'' -l json -d 'Print one JSON line for each result'
complete -c nb -n '__nb_in \'extract\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'extract\'' -l verbose -s v -d 'Show each step of the request'
complete -c nb -n '__nb_in \'extract\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'extract\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'extract\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'log\'' -r -F
complete -c nb -n '__nb_in \'log\'' -l count -s n -x -d 'The newest N lines'
complete -c nb -n '__nb_in \'log\'' -l since -x -d 'Not older than 7d, 12h or 2026-11-01'
complete -c nb -n '__nb_in \'log\'' -l before -x -d 'Older than 7d, 12h or 2026-11-01'
complete -c nb -n '__nb_in \'log\'' -l all -d 'All lines'
complete -c nb -n '__nb_in \'log\'' -l sum -x -k -a 'day
model
provider' -d 'Sum what was spent by day, model or provider'
complete -c nb -n '__nb_in \'log\'' -l command -d 'Print the commands that ask for the same again'
complete -c nb -n '__nb_in \'log\'' -l forget -d 'Remove the lines from the log for good'
complete -c nb -n '__nb_in \'log\'' -l yes -d 'Do not ask before lines are removed'
complete -c nb -n '__nb_in \'log\'' -l json -d 'Print JSON Lines, for scripts'
complete -c nb -n '__nb_in \'log\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'log\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'log\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'log\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_at \'config\' 0' -a 'set' -d 'Write a setting to the user\'s file'
complete -c nb -n '__nb_at \'config\' 0' -a 'unset' -d 'Remove a setting from the user\'s file'
complete -c nb -n '__nb_at \'config\' 0' -a 'get' -d 'Print the value in force: nothing if it is not set, asterisks for a key'
complete -c nb -n '__nb_at \'config\' 0' -a 'list' -d 'Show each setting with its value and origin'
complete -c nb -n '__nb_at \'config\' 0' -a 'edit' -d 'Open the user\'s file in an editor: $VISUAL, $EDITOR, nano or vi'
complete -c nb -n '__nb_at \'config\' 0' -a 'path' -d 'Print the path of the user\'s file'
complete -c nb -n '__nb_at \'config\' 0' -a 'check' -d 'Check key, permissions, model and address, without a paid call'
complete -c nb -n '__nb_in \'config\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_at \'config set\' 0' -x -k -a 'provider
base-url
model
caption-model
aspect
size
timeout
retries
wait
max-cost
concurrency
format
output-folder
alt
open
preview
price
confirm-above
log
keep-replies
memory-limit
api-key
api-key-file
wisgate.api-key\\t\'of wisgate alone\'
wisgate.api-key-file\\t\'of wisgate alone\'
wisgate.base-url\\t\'of wisgate alone\'
google.api-key\\t\'of google alone\'
google.api-key-file\\t\'of google alone\'
google.base-url\\t\'of google alone\'
sandbox.base-url\\t\'of sandbox alone\''
complete -c nb -n '__nb_after \'config set\' 1 provider' -x -k -a 'wisgate\\t\'https://wisgate.ai\'
google\\t\'https://generativelanguage.googleapis.com\'
sandbox\\t\'embedded, free and offline\''
complete -c nb -n '__nb_after \'config set\' 1 model caption-model' -x -k -a 'gemini-3.1-flash-image-preview\\t\'Nano Banana 2\'
gemini-3.1-flash-image\\t\'Nano Banana 2, general release\'
gemini-nano-banana-2.1\\t\'Nano Banana 2.1\'
gemini-3-pro-image\\t\'Nano Banana Pro\'
gemini-3-pro-image-preview\\t\'Nano Banana Pro, preview\'
gemini-3.1-flash-lite-image\\t\'Nano Banana 2 Lite\'
gemini-2.5-flash-image\\t\'Nano Banana\'
nb2\\t\'gemini-3.1-flash-image-preview\'
nb2.1\\t\'gemini-nano-banana-2.1\'
pro\\t\'gemini-3-pro-image-preview\'
lite\\t\'gemini-3.1-flash-lite-image\''
complete -c nb -n '__nb_after \'config set\' 1 aspect' -x -k -a '1:1\\t\'1024x1024 pixels at 1K\'
2:3\\t\'848x1264 pixels at 1K\'
3:2\\t\'1264x848 pixels at 1K\'
3:4\\t\'896x1200 pixels at 1K\'
4:3\\t\'1200x896 pixels at 1K\'
4:5\\t\'928x1152 pixels at 1K\'
5:4\\t\'1152x928 pixels at 1K\'
9:16\\t\'768x1376 pixels at 1K\'
16:9\\t\'1376x768 pixels at 1K\'
21:9\\t\'1584x672 pixels at 1K\'
1:4\\t\'512x2048 pixels at 1K\'
4:1\\t\'2048x512 pixels at 1K\'
1:8\\t\'384x3072 pixels at 1K\'
8:1\\t\'3072x384 pixels at 1K\''
complete -c nb -n '__nb_after \'config set\' 1 size' -x -k -a '0.5K\\t\'512x512 pixels at 1:1\'
1K\\t\'1024x1024 pixels at 1:1\'
2K\\t\'2048x2048 pixels at 1:1\'
4K\\t\'4096x4096 pixels at 1:1\''
complete -c nb -n '__nb_after \'config set\' 1 format' -x -k -a 'auto\\t\'as received, or by the file\\\'s name\'
png
jpeg
webp'
complete -c nb -n '__nb_after \'config set\' 1 output-folder' -x -a '(__nb_files)'
complete -c nb -n '__nb_after \'config set\' 1 alt open preview log keep-replies' -x -k -a 'true
false'
complete -c nb -n '__nb_after \'config set\' 1 api-key-file wisgate.api-key-file google.api-key-file' -r -F
complete -c nb -n '__nb_in \'config set\'' -l provider -x -k -a 'wisgate\\t\'https://wisgate.ai\'
google\\t\'https://generativelanguage.googleapis.com\'
sandbox\\t\'embedded, free and offline\'' -d 'Provider whose key or address it is'
complete -c nb -n '__nb_in \'config set\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'config set\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config set\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config set\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_at \'config unset\' 0' -x -k -a 'provider
base-url
model
caption-model
aspect
size
timeout
retries
wait
max-cost
concurrency
format
output-folder
alt
open
preview
price
confirm-above
log
keep-replies
memory-limit
api-key
api-key-file
wisgate.api-key\\t\'of wisgate alone\'
wisgate.api-key-file\\t\'of wisgate alone\'
wisgate.base-url\\t\'of wisgate alone\'
google.api-key\\t\'of google alone\'
google.api-key-file\\t\'of google alone\'
google.base-url\\t\'of google alone\'
sandbox.base-url\\t\'of sandbox alone\''
complete -c nb -n '__nb_in \'config unset\'' -l provider -x -k -a 'wisgate\\t\'https://wisgate.ai\'
google\\t\'https://generativelanguage.googleapis.com\'
sandbox\\t\'embedded, free and offline\'' -d 'Provider whose key or address it is'
complete -c nb -n '__nb_in \'config unset\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'config unset\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config unset\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config unset\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_at \'config get\' 0' -x -k -a 'provider
base-url
model
caption-model
aspect
size
timeout
retries
wait
max-cost
concurrency
format
output-folder
alt
open
preview
price
confirm-above
log
keep-replies
memory-limit
api-key
api-key-file
wisgate.api-key\\t\'of wisgate alone\'
wisgate.api-key-file\\t\'of wisgate alone\'
wisgate.base-url\\t\'of wisgate alone\'
google.api-key\\t\'of google alone\'
google.api-key-file\\t\'of google alone\'
google.base-url\\t\'of google alone\'
sandbox.base-url\\t\'of sandbox alone\''
complete -c nb -n '__nb_in \'config get\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'config get\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config get\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config get\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'config list\'' -l json -d 'Print JSON Lines, for scripts'
complete -c nb -n '__nb_in \'config list\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config list\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config list\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'config edit\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'config edit\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config edit\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config edit\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'config path\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'config path\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config path\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config path\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'config check\'' -l provider -x -k -a 'wisgate\\t\'https://wisgate.ai\'
google\\t\'https://generativelanguage.googleapis.com\'
sandbox\\t\'embedded, free and offline\'' -d 'wisgate, google, or sandbox (free, offline)'
complete -c nb -n '__nb_in \'config check\'' -l base-url -x -d 'Base URL of the provider'
complete -c nb -n '__nb_in \'config check\'' -l balance -d 'Also ask WisGate for the account\'s balance, at api.wisgate.ai'
complete -c nb -n '__nb_in \'config check\'' -l json -d 'Print JSON Lines, for scripts'
complete -c nb -n '__nb_in \'config check\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'config check\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config check\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'config check\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'models\'' -l provider -x -k -a 'wisgate\\t\'https://wisgate.ai\'
google\\t\'https://generativelanguage.googleapis.com\'
sandbox\\t\'embedded, free and offline\'' -d 'Show only the prices of this provider'
complete -c nb -n '__nb_in \'models\'' -l check -d 'Compare with the models that the provider itself lists'
complete -c nb -n '__nb_in \'models\'' -l base-url -x -d 'Base URL of the provider'
complete -c nb -n '__nb_in \'models\'' -l json -d 'Print one JSON line for each model'
complete -c nb -n '__nb_in \'models\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'models\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'models\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'sandbox\'' -l port -x -d 'Port'
complete -c nb -n '__nb_in \'sandbox\'' -l latency -x -d 'Take at least this long for each result'
complete -c nb -n '__nb_in \'sandbox\'' -l key -x -d 'Require this key in every request'
complete -c nb -n '__nb_in \'sandbox\'' -l log -r -F -d 'Append one JSON line per request, which says whether it is charged'
complete -c nb -n '__nb_in \'sandbox\'' -l fault -x -k -a '307\\t\'a redirect to another path\'
400\\t\'an invalid argument\'
401\\t\'the key is refused\'
402\\t\'a gateway account without credit\'
403\\t\'the key lacks permission\'
404\\t\'the model does not exist\'
413\\t\'the request is too large\'
429\\t\'the rate limit, with Retry-After: 1\'
500\\t\'an internal error\'
502\\t\'an HTML error page from a gateway\'
503\\t\'the model is overloaded\'
504\\t\'the service\\\'s own deadline has passed\'
credit\\t\'a 403 whose gateway code says that the credit is used up\'
spending-cap\\t\'a 429 that no wait cures: the project\\\'s spending cap is reached\'
no-free-tier\\t\'a 429 that no wait cures: the free tier\\\'s limit is 0\'
gateway-500\\t\'a gateway\\\'s 500 after it sent the call on: nobody can say if it was charged\'
firewall\\t\'a 403 in plain text from a firewall before the service\'
nested\\t\'a 400 whose message holds the error of another service, two deep\'
safety\\t\'refused: IMAGE_SAFETY\'
no-image\\t\'refused: NO_IMAGE\'
recitation\\t\'refused: IMAGE_RECITATION\'
prohibited\\t\'refused: IMAGE_PROHIBITED_CONTENT\'
blocked\\t\'the prompt is blocked, and the reply has no candidate\'
max-tokens\\t\'MAX_TOKENS before any content\'
text\\t\'STOP with an explanatory text and no image\'
empty\\t\'an empty list of candidates\'
null-parts\\t\'a candidate whose parts are null\'
no-text\\t\'the image without the requested text\'
jpeg\\t\'the image as JPEG\'
lying\\t\'JPEG bytes declared as image/png\'
drafts\\t\'thoughts and a 64-pixel draft before the image\'
several\\t\'another image before the right one\'
multi\\t\'three finished images, with texts between them\'
link\\t\'the image as a link in Markdown, to this server\'
file-uri\\t\'the image as fileData with a link to this server\'
chunks\\t\'the reply in pieces, as a JSON array\'
sse\\t\'the reply in pieces, as server-sent events\'
wrapped\\t\'the reply inside {"response": …}\'
padded\\t\'the reply after 200 kB of white space\'
snake\\t\'all names in snake_case\'
data-uri\\t\'the image as a data URI in Markdown\'
small\\t\'an image of half the width and height\'
wrong-ratio\\t\'an image of another aspect ratio\'
corrupt\\t\'a PNG cut off inside valid base64\'
html\\t\'an HTML page with HTTP status 200\'
not-json\\t\'plain text with HTTP status 200\'
success-false\\t\'an error with HTTP status 200: {"success": false, "message": …}\'
cut\\t\'the connection closed in mid-body\'
reset\\t\'the connection reset before any reply\'
hang\\t\'no reply at all\'
slow\\t\'the reply SECONDS later (30)\'
trickle\\t\'a body that arrives bit by bit over SECONDS (30)\'
mix\\t\'of every 20 calls: the 4th 429, 8th 503, 12th safety, 16th cut, 20th slow:2\'' -d 'Answer calls with a fault, such as 429:2'
complete -c nb -n '__nb_in \'sandbox\'' -l quiet -s q -d 'Print only errors'
complete -c nb -n '__nb_in \'sandbox\'' -l color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'sandbox\'' -l no-color -d 'Turn colour on or off'
complete -c nb -n '__nb_in \'sandbox\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_at \'completion\' 0' -x -k -a 'bash\\t\'Bash 3.2 or newer\'
zsh\\t\'Zsh 5 or newer\'
fish\\t\'fish 3 or newer\'
powershell\\t\'PowerShell 5.1 or newer\''
complete -c nb -n '__nb_in \'completion\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'help\'' -x -k -a 'generate\\t\'Make an image from a prompt\'
caption\\t\'Make an image with its alt text, or alt text for existing images\'
batch\\t\'Make many images from a manifest, never paying for one twice\'
extract\\t\'Take images and texts out of saved replies, without a call\'
log\\t\'Show what was made and paid here, the newest first\'
config\\t\'Set, show and check stored settings\'
models\\t\'Show what each model accepts and costs, and whether Google still serves it\'
sandbox\\t\'Run a local server that speaks the protocol of the service, free and offline\'
completion\\t\'Print the completion script of a shell\'
help\\t\'Show the help of a command\'
version\\t\'Show the version of nb, of Python, and of the system\'
agents\\t\'a guide for coding agents\''
complete -c nb -n '__nb_in \'help\'' -l json -d 'Print commands, options, exit statuses, settings, and the JSON Schemas of JSON lines and manifests, as JSON'
complete -c nb -n '__nb_in \'help\'' -l help -s h -d 'Show this message and exit'
complete -c nb -n '__nb_in \'version\'' -l help -s h -d 'Show this message and exit'
complete -c nanobanana -w nb
