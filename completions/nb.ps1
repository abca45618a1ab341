# PowerShell completion for nb. Generated from the command tree; do not edit.

Register-ArgumentCompleter -Native -CommandName nb, nanobanana -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commands = @{
        '' = @(
            ('generate', 'Make an image from a prompt'),
            ('caption', 'Make an image with its alt text, or alt text for existing images'),
            ('batch', 'Make many images from a manifest, never paying for one twice'),
            ('extract', 'Take images and texts out of saved replies, without a call'),
            ('log', 'Show what was made and paid here, the newest first'),
            ('config', 'Set, show and check stored settings'),
            ('models', 'Show what each model accepts and costs, and whether Google still serves it'),
            ('sandbox', 'Run a local server that speaks the protocol of the service, free and offline'),
            ('completion', 'Print the completion script of a shell'),
            ('help', 'Show the help of a command'),
            ('version', 'Show the version of nb, of Python, and of the system')
        )
        'config' = @(
            ('set', 'Write a setting to the user''s file'),
            ('unset', 'Remove a setting from the user''s file'),
            ('get', 'Print the value in force: nothing if it is not set, asterisks for a key'),
            ('list', 'Show each setting with its value and origin'),
            ('edit', 'Open the user''s file in an editor: $VISUAL, $EDITOR, nano or vi'),
            ('path', 'Print the path of the user''s file'),
            ('check', 'Check key, permissions, model and address, without a paid call')
        )
    }
    $options = @{
        '' = @(
            ('--version', 'Show the version and exit'),
            ('-V', 'Show the version and exit'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'generate' = @(
            ('--aspect', 'Aspect ratio, such as 16:9, or landscape'),
            ('-a', 'Aspect ratio, such as 16:9, or landscape'),
            ('--size', 'Image size: 0.5K, 1K, 2K or 4K'),
            ('-s', 'Image size: 0.5K, 1K, 2K or 4K'),
            ('--fit', 'Deliver exactly so many pixels, such as 1200x630, cut out of the least ratio and size that need no enlarging'),
            ('--transparent', 'Make the background transparent: PNG, or WebP if named so'),
            ('--image', 'Reference image: a file, an https address, or - for stdin'),
            ('-i', 'Reference image: a file, an https address, or - for stdin'),
            ('--prompt-file', 'Read the prompt from FILE'),
            ('--thinking', 'Thinking level: minimal, medium or high'),
            ('--search', 'Ground the image in a web search'),
            ('--system', 'System instruction'),
            ('--temperature', 'Sampling temperature, from 0 to 2'),
            ('--seed', 'Random seed, sent as is'),
            ('--output', 'File (.png and the like may be left out), folder, or - for stdout'),
            ('-o', 'File (.png and the like may be left out), folder, or - for stdout'),
            ('--format', 'auto (by the file''s name, else as received), png, jpeg or webp'),
            ('--force', 'Replace an existing file'),
            ('--skip-existing', 'Leave an existing file alone'),
            ('--all', 'Save every finished image of a reply'),
            ('--open', 'Open the image in the desktop''s viewer, too'),
            ('--no-open', 'Open the image in the desktop''s viewer, too'),
            ('--preview', 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'),
            ('--no-preview', 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'),
            ('--count', 'Number of images, one call each, in parallel'),
            ('-n', 'Number of images, one call each, in parallel'),
            ('--chat', 'Keep the conversation beside the image: fox.png, fox.chat.json'),
            ('--continue', 'Go on from the conversation beside FILE, or in it, and keep the new one'),
            ('--alt', 'Also write alt text beside the image: fox.png, fox.alt.txt'),
            ('--no-alt', 'Also write alt text beside the image: fox.png, fox.alt.txt'),
            ('--alt-file', 'Also write alt text, to FILE'),
            ('--model', 'Model, by id or alias (nb2, pro)'),
            ('-m', 'Model, by id or alias (nb2, pro)'),
            ('--provider', 'wisgate, google, or sandbox (free, offline)'),
            ('--base-url', 'Base URL of the provider'),
            ('--timeout', 'Deadline for one attempt'),
            ('--retries', 'Resends after a failure that is known to be free'),
            ('--wait', 'Keep trying what is known to be free for so long, such as 30m'),
            ('--max-cost', 'Refuse to start what could cost more'),
            ('--yes', 'Do not ask before what could cost more than $10'),
            ('--dry-run', 'Print the request as JSON, and the price'),
            ('--curl', 'Print the request as a curl command'),
            ('--json', 'Print one JSON line for each result'),
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--verbose', 'Show each step of the request'),
            ('-v', 'Show each step of the request'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'caption' = @(
            ('--style', 'alt (a short phrase), long (a full description), title or tags'),
            ('--max-chars', 'Length limit in characters'),
            ('--lang', 'Language, by name or BCP 47 tag: German, de-CH'),
            ('--text', 'Write or embed this text, without a call'),
            ('--text-file', 'Write or embed the text in FILE, or those of a CSV file of path and text'),
            ('--context', 'Text of the page that the image is on: alt text depends on it'),
            ('--context-file', 'Read the context from FILE: all of it, or the part around the image it names'),
            ('--as', 'text, json (lines), json-map (one object), markdown, html, csv, or csv-bom for Excel'),
            ('--relative-to', 'Print image paths relative to FOLDER'),
            ('--write', 'Write each text beside its image'),
            ('--embed', 'Embed each text in its image file, as IPTC alt text (XMP)'),
            ('--again', 'Pay for new texts, and replace those that are there'),
            ('--break-signature', 'Embed in files that are signed with C2PA, too'),
            ('--recursive', 'Search folders for images, too'),
            ('-r', 'Search folders for images, too'),
            ('--concurrency', 'Maximum number of calls at once'),
            ('--check', 'Check existing texts, without key or network'),
            ('--strict', 'With --check, fail on warnings and on images that cannot be looked at, too'),
            ('--decorative', 'Give the images an empty text, alt="", without a call'),
            ('--read', 'Print the text embedded in each image'),
            ('--pages', 'TARGETs are Markdown and HTML pages, or folders of them: print a diff that gives alt text to their images without'),
            ('--apply', 'With --pages, write the texts into the pages'),
            ('--root', 'With --pages, the folder that / stands for in addresses: /img/fox.png'),
            ('--aspect', 'Aspect ratio, such as 16:9, or landscape'),
            ('-a', 'Aspect ratio, such as 16:9, or landscape'),
            ('--size', 'Image size: 0.5K, 1K, 2K or 4K'),
            ('-s', 'Image size: 0.5K, 1K, 2K or 4K'),
            ('--fit', 'Deliver exactly so many pixels, such as 1200x630, cut out of the least ratio and size that need no enlarging'),
            ('--transparent', 'Make the background transparent: PNG, or WebP if named so'),
            ('--image', 'Reference image: a file, an https address, or - for stdin'),
            ('-i', 'Reference image: a file, an https address, or - for stdin'),
            ('--prompt-file', 'Read the prompt from FILE'),
            ('--thinking', 'Thinking level: minimal, medium or high'),
            ('--search', 'Ground the image in a web search'),
            ('--system', 'System instruction'),
            ('--temperature', 'Sampling temperature, from 0 to 2'),
            ('--seed', 'Random seed, sent as is'),
            ('--output', 'File (.png and the like may be left out), folder, or - for stdout'),
            ('-o', 'File (.png and the like may be left out), folder, or - for stdout'),
            ('--format', 'auto (by the file''s name, else as received), png, jpeg or webp'),
            ('--force', 'Replace an existing file'),
            ('--skip-existing', 'Leave an existing file alone'),
            ('--all', 'Save every finished image of a reply'),
            ('--open', 'Open the image in the desktop''s viewer, too'),
            ('--no-open', 'Open the image in the desktop''s viewer, too'),
            ('--preview', 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'),
            ('--no-preview', 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'),
            ('--count', 'Number of images, one call each, in parallel'),
            ('-n', 'Number of images, one call each, in parallel'),
            ('--chat', 'Keep the conversation beside the image: fox.png, fox.chat.json'),
            ('--continue', 'Go on from the conversation beside FILE, or in it, and keep the new one'),
            ('--model', 'Model, by id or alias (nb2, pro)'),
            ('-m', 'Model, by id or alias (nb2, pro)'),
            ('--provider', 'wisgate, google, or sandbox (free, offline)'),
            ('--base-url', 'Base URL of the provider'),
            ('--timeout', 'Deadline for one attempt'),
            ('--retries', 'Resends after a failure that is known to be free'),
            ('--wait', 'Keep trying what is known to be free for so long, such as 30m'),
            ('--max-cost', 'Refuse to start what could cost more'),
            ('--yes', 'Do not ask before what could cost more than $10'),
            ('--dry-run', 'Print the request as JSON, and the price'),
            ('--curl', 'Print the request as a curl command'),
            ('--json', 'Print one JSON line for each result'),
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--verbose', 'Show each step of the request'),
            ('-v', 'Show each step of the request'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'batch' = @(
            ('--dry-run', 'List what would be made and its price'),
            ('--check', 'Exit 0 if every image is up to date, else 3'),
            ('--status', 'List what is there, what failed, why, when and at what cost'),
            ('--init', 'Write an example manifest: images.toml, or MANIFEST'),
            ('--accept', 'Record the files of these images as they are'),
            ('--prune', 'List files of rows that are gone, and leftovers of killed runs'),
            ('--delete', 'With --prune: remove them'),
            ('--only', 'Only images whose path matches'),
            ('--limit', 'Make only the first N'),
            ('--shuffle', 'Make them in random order'),
            ('--shard', 'Only the Kth of N parts, the same on every machine'),
            ('--retry', 'Make again what may have been paid for: refused, bad-reply, unknown or all'),
            ('--remake', 'Make these images anew, and no others'),
            ('--concurrency', 'Maximum number of calls at once'),
            ('--rpm', 'Maximum number of calls started per minute, evenly spread'),
            ('--fail-fast', 'Start no more calls after a failure'),
            ('--max-failures', 'Stop after N failures in a row that may have been charged, or were refusals'),
            ('--max-cost', 'Limit for this run'),
            ('--max-images', 'Limit for the calls of this run that may be charged'),
            ('--max-total-cost', 'Limit for this run plus everything in the local ledgers'),
            ('--yes', 'Do not ask before what could cost more than $10'),
            ('--output', 'Folder that outputs are relative to'),
            ('-o', 'Folder that outputs are relative to'),
            ('--gallery', 'Write a gallery of all images, such as index.html'),
            ('--format', 'Format for rows that set none: auto, png, jpeg or webp'),
            ('--alt', 'Also write alt text, for rows that do not set alt'),
            ('--no-alt', 'Also write alt text, for rows that do not set alt'),
            ('--force', 'Replace files that are edited or in no ledger'),
            ('--skip-existing', 'Leave files alone that are edited or in no ledger'),
            ('--aspect', 'Aspect ratio, such as 16:9, or landscape'),
            ('-a', 'Aspect ratio, such as 16:9, or landscape'),
            ('--size', 'Image size: 0.5K, 1K, 2K or 4K'),
            ('-s', 'Image size: 0.5K, 1K, 2K or 4K'),
            ('--model', 'Model, by id or alias (nb2, pro)'),
            ('-m', 'Model, by id or alias (nb2, pro)'),
            ('--provider', 'wisgate, google, or sandbox (free, offline)'),
            ('--base-url', 'Base URL of the provider'),
            ('--timeout', 'Deadline for one attempt'),
            ('--retries', 'Resends after a failure that is known to be free'),
            ('--wait', 'Keep trying what is known to be free for so long, such as 30m'),
            ('--json', 'Print one JSON line for each result'),
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--verbose', 'Show each step of the request'),
            ('-v', 'Show each step of the request'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'extract' = @(
            ('--output', 'File (.png and the like may be left out), folder, or - for stdout'),
            ('-o', 'File (.png and the like may be left out), folder, or - for stdout'),
            ('--format', 'auto (by the file''s name, else as received), png, jpeg or webp'),
            ('--force', 'Replace an existing file'),
            ('--skip-existing', 'Leave an existing file alone'),
            ('--all', 'Save every finished image of a reply'),
            ('--open', 'Open the image in the desktop''s viewer, too'),
            ('--no-open', 'Open the image in the desktop''s viewer, too'),
            ('--preview', 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'),
            ('--no-preview', 'Draw the image in a terminal that can: kitty, iTerm2, WezTerm, Ghostty, Konsole'),
            ('--text', 'Also print the text of the reply'),
            ('--alt', 'Write the text beside the image: fox.png, fox.alt.txt'),
            ('--fetch', 'Fetch an image that is a link'),
            ('--json', 'Print one JSON line for each result'),
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--verbose', 'Show each step of the request'),
            ('-v', 'Show each step of the request'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'log' = @(
            ('--count', 'The newest N lines'),
            ('-n', 'The newest N lines'),
            ('--since', 'Not older than 7d, 12h or 2026-11-01'),
            ('--before', 'Older than 7d, 12h or 2026-11-01'),
            ('--all', 'All lines'),
            ('--sum', 'Sum what was spent by day, model or provider'),
            ('--command', 'Print the commands that ask for the same again'),
            ('--forget', 'Remove the lines from the log for good'),
            ('--yes', 'Do not ask before lines are removed'),
            ('--json', 'Print JSON Lines, for scripts'),
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'config' = @(
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'config set' = @(
            ('--provider', 'Provider whose key or address it is'),
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'config unset' = @(
            ('--provider', 'Provider whose key or address it is'),
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'config get' = @(
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'config list' = @(
            ('--json', 'Print JSON Lines, for scripts'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'config edit' = @(
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'config path' = @(
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'config check' = @(
            ('--provider', 'wisgate, google, or sandbox (free, offline)'),
            ('--base-url', 'Base URL of the provider'),
            ('--balance', 'Also ask WisGate for the account''s balance, at api.wisgate.ai'),
            ('--json', 'Print JSON Lines, for scripts'),
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'models' = @(
            ('--provider', 'Show only the prices of this provider'),
            ('--check', 'Compare with the models that the provider itself lists'),
            ('--base-url', 'Base URL of the provider'),
            ('--json', 'Print one JSON line for each model'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'sandbox' = @(
            ('--port', 'Port'),
            ('--latency', 'Take at least this long for each result'),
            ('--key', 'Require this key in every request'),
            ('--log', 'Append one JSON line per request, which says whether it is charged'),
            ('--fault', 'Answer calls with a fault, such as 429:2'),
            ('--quiet', 'Print only errors'),
            ('-q', 'Print only errors'),
            ('--color', 'Turn colour on or off'),
            ('--no-color', 'Turn colour on or off'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'completion' = @(
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'help' = @(
            ('--json', 'Print commands, options, exit statuses, settings, and the JSON Schemas of JSON lines and manifests, as JSON'),
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
        'version' = @(
            ('--help', 'Show this message and exit'),
            ('-h', 'Show this message and exit')
        )
    }
    # The words whose value comes next.
    $valued = @{
        'generate' = '^(-[qvh]*[asionm]|--aspect|--size|--fit|--image|--prompt-file|--thinking|--system|--temperature|--seed|--output|--format|--count|--continue|--alt-file|--model|--provider|--base-url|--timeout|--retries|--wait|--max-cost)$'
        'caption' = '^(-[rqvh]*[asionm]|--style|--max-chars|--lang|--text|--text-file|--context|--context-file|--as|--relative-to|--concurrency|--root|--aspect|--size|--fit|--image|--prompt-file|--thinking|--system|--temperature|--seed|--output|--format|--count|--continue|--model|--provider|--base-url|--timeout|--retries|--wait|--max-cost)$'
        'batch' = '^(-[qvh]*[oasm]|--accept|--only|--limit|--shard|--retry|--remake|--concurrency|--rpm|--max-failures|--max-cost|--max-images|--max-total-cost|--output|--gallery|--format|--aspect|--size|--model|--provider|--base-url|--timeout|--retries|--wait)$'
        'extract' = '^(-[qvh]*[o]|--output|--format)$'
        'log' = '^(-[qh]*[n]|--count|--since|--before|--sum)$'
        'config set' = '^(--provider)$'
        'config unset' = '^(--provider)$'
        'config check' = '^(--provider|--base-url)$'
        'models' = '^(--provider|--base-url)$'
        'sandbox' = '^(--port|--latency|--key|--log|--fault)$'
    }
    # What goes into an option, or into the argument of a number; '*' stands for any argument.
    $values = @{
        'generate --aspect' = @(
            ('1:1', '1024x1024 pixels at 1K'),
            ('2:3', '848x1264 pixels at 1K'),
            ('3:2', '1264x848 pixels at 1K'),
            ('3:4', '896x1200 pixels at 1K'),
            ('4:3', '1200x896 pixels at 1K'),
            ('4:5', '928x1152 pixels at 1K'),
            ('5:4', '1152x928 pixels at 1K'),
            ('9:16', '768x1376 pixels at 1K'),
            ('16:9', '1376x768 pixels at 1K'),
            ('21:9', '1584x672 pixels at 1K'),
            ('1:4', '512x2048 pixels at 1K'),
            ('4:1', '2048x512 pixels at 1K'),
            ('1:8', '384x3072 pixels at 1K'),
            ('8:1', '3072x384 pixels at 1K')
        )
        'generate -a' = @(
            ('1:1', '1024x1024 pixels at 1K'),
            ('2:3', '848x1264 pixels at 1K'),
            ('3:2', '1264x848 pixels at 1K'),
            ('3:4', '896x1200 pixels at 1K'),
            ('4:3', '1200x896 pixels at 1K'),
            ('4:5', '928x1152 pixels at 1K'),
            ('5:4', '1152x928 pixels at 1K'),
            ('9:16', '768x1376 pixels at 1K'),
            ('16:9', '1376x768 pixels at 1K'),
            ('21:9', '1584x672 pixels at 1K'),
            ('1:4', '512x2048 pixels at 1K'),
            ('4:1', '2048x512 pixels at 1K'),
            ('1:8', '384x3072 pixels at 1K'),
            ('8:1', '3072x384 pixels at 1K')
        )
        'generate --size' = @(
            ('0.5K', '512x512 pixels at 1:1'),
            ('1K', '1024x1024 pixels at 1:1'),
            ('2K', '2048x2048 pixels at 1:1'),
            ('4K', '4096x4096 pixels at 1:1')
        )
        'generate -s' = @(
            ('0.5K', '512x512 pixels at 1:1'),
            ('1K', '1024x1024 pixels at 1:1'),
            ('2K', '2048x2048 pixels at 1:1'),
            ('4K', '4096x4096 pixels at 1:1')
        )
        'generate --fit' = @(
            ('1200x630', 'link previews (Open Graph)'),
            ('1080x1080', 'square posts'),
            ('1080x1920', 'stories'),
            ('1280x720', 'video thumbnails'),
            ('1500x500', 'page headers')
        )
        'generate --thinking' = @(
            ('minimal', 'minimal'),
            ('medium', 'medium'),
            ('high', 'high')
        )
        'generate --format' = @(
            ('auto', 'as received, or by the file''s name'),
            ('png', 'png'),
            ('jpeg', 'jpeg'),
            ('webp', 'webp')
        )
        'generate --model' = @(
            ('gemini-3.1-flash-image-preview', 'Nano Banana 2'),
            ('gemini-3.1-flash-image', 'Nano Banana 2, general release'),
            ('gemini-nano-banana-2.1', 'Nano Banana 2.1'),
            ('gemini-3-pro-image', 'Nano Banana Pro'),
            ('gemini-3-pro-image-preview', 'Nano Banana Pro, preview'),
            ('gemini-3.1-flash-lite-image', 'Nano Banana 2 Lite'),
            ('gemini-2.5-flash-image', 'Nano Banana'),
            ('nb2', 'gemini-3.1-flash-image-preview'),
            ('nb2.1', 'gemini-nano-banana-2.1'),
            ('pro', 'gemini-3-pro-image-preview'),
            ('lite', 'gemini-3.1-flash-lite-image')
        )
        'generate -m' = @(
            ('gemini-3.1-flash-image-preview', 'Nano Banana 2'),
            ('gemini-3.1-flash-image', 'Nano Banana 2, general release'),
            ('gemini-nano-banana-2.1', 'Nano Banana 2.1'),
            ('gemini-3-pro-image', 'Nano Banana Pro'),
            ('gemini-3-pro-image-preview', 'Nano Banana Pro, preview'),
            ('gemini-3.1-flash-lite-image', 'Nano Banana 2 Lite'),
            ('gemini-2.5-flash-image', 'Nano Banana'),
            ('nb2', 'gemini-3.1-flash-image-preview'),
            ('nb2.1', 'gemini-nano-banana-2.1'),
            ('pro', 'gemini-3-pro-image-preview'),
            ('lite', 'gemini-3.1-flash-lite-image')
        )
        'generate --provider' = @(
            ('wisgate', 'https://wisgate.ai'),
            ('google', 'https://generativelanguage.googleapis.com'),
            ('sandbox', 'embedded, free and offline')
        )
        'caption --style' = @(
            ('alt', 'alt text, up to 125 characters'),
            ('long', 'description, up to 800 characters'),
            ('title', 'title, up to 60 characters'),
            ('tags', 'tags, up to 150 characters')
        )
        'caption --as' = @(
            ('text', 'text'),
            ('json', 'json'),
            ('json-map', 'json-map'),
            ('markdown', 'markdown'),
            ('html', 'html'),
            ('csv', 'csv'),
            ('csv-bom', 'csv-bom')
        )
        'caption --aspect' = @(
            ('1:1', '1024x1024 pixels at 1K'),
            ('2:3', '848x1264 pixels at 1K'),
            ('3:2', '1264x848 pixels at 1K'),
            ('3:4', '896x1200 pixels at 1K'),
            ('4:3', '1200x896 pixels at 1K'),
            ('4:5', '928x1152 pixels at 1K'),
            ('5:4', '1152x928 pixels at 1K'),
            ('9:16', '768x1376 pixels at 1K'),
            ('16:9', '1376x768 pixels at 1K'),
            ('21:9', '1584x672 pixels at 1K'),
            ('1:4', '512x2048 pixels at 1K'),
            ('4:1', '2048x512 pixels at 1K'),
            ('1:8', '384x3072 pixels at 1K'),
            ('8:1', '3072x384 pixels at 1K')
        )
        'caption -a' = @(
            ('1:1', '1024x1024 pixels at 1K'),
            ('2:3', '848x1264 pixels at 1K'),
            ('3:2', '1264x848 pixels at 1K'),
            ('3:4', '896x1200 pixels at 1K'),
            ('4:3', '1200x896 pixels at 1K'),
            ('4:5', '928x1152 pixels at 1K'),
            ('5:4', '1152x928 pixels at 1K'),
            ('9:16', '768x1376 pixels at 1K'),
            ('16:9', '1376x768 pixels at 1K'),
            ('21:9', '1584x672 pixels at 1K'),
            ('1:4', '512x2048 pixels at 1K'),
            ('4:1', '2048x512 pixels at 1K'),
            ('1:8', '384x3072 pixels at 1K'),
            ('8:1', '3072x384 pixels at 1K')
        )
        'caption --size' = @(
            ('0.5K', '512x512 pixels at 1:1'),
            ('1K', '1024x1024 pixels at 1:1'),
            ('2K', '2048x2048 pixels at 1:1'),
            ('4K', '4096x4096 pixels at 1:1')
        )
        'caption -s' = @(
            ('0.5K', '512x512 pixels at 1:1'),
            ('1K', '1024x1024 pixels at 1:1'),
            ('2K', '2048x2048 pixels at 1:1'),
            ('4K', '4096x4096 pixels at 1:1')
        )
        'caption --fit' = @(
            ('1200x630', 'link previews (Open Graph)'),
            ('1080x1080', 'square posts'),
            ('1080x1920', 'stories'),
            ('1280x720', 'video thumbnails'),
            ('1500x500', 'page headers')
        )
        'caption --thinking' = @(
            ('minimal', 'minimal'),
            ('medium', 'medium'),
            ('high', 'high')
        )
        'caption --format' = @(
            ('auto', 'as received, or by the file''s name'),
            ('png', 'png'),
            ('jpeg', 'jpeg'),
            ('webp', 'webp')
        )
        'caption --model' = @(
            ('gemini-3.1-flash-image-preview', 'Nano Banana 2'),
            ('gemini-3.1-flash-image', 'Nano Banana 2, general release'),
            ('gemini-nano-banana-2.1', 'Nano Banana 2.1'),
            ('gemini-3-pro-image', 'Nano Banana Pro'),
            ('gemini-3-pro-image-preview', 'Nano Banana Pro, preview'),
            ('gemini-3.1-flash-lite-image', 'Nano Banana 2 Lite'),
            ('gemini-2.5-flash-image', 'Nano Banana'),
            ('nb2', 'gemini-3.1-flash-image-preview'),
            ('nb2.1', 'gemini-nano-banana-2.1'),
            ('pro', 'gemini-3-pro-image-preview'),
            ('lite', 'gemini-3.1-flash-lite-image')
        )
        'caption -m' = @(
            ('gemini-3.1-flash-image-preview', 'Nano Banana 2'),
            ('gemini-3.1-flash-image', 'Nano Banana 2, general release'),
            ('gemini-nano-banana-2.1', 'Nano Banana 2.1'),
            ('gemini-3-pro-image', 'Nano Banana Pro'),
            ('gemini-3-pro-image-preview', 'Nano Banana Pro, preview'),
            ('gemini-3.1-flash-lite-image', 'Nano Banana 2 Lite'),
            ('gemini-2.5-flash-image', 'Nano Banana'),
            ('nb2', 'gemini-3.1-flash-image-preview'),
            ('nb2.1', 'gemini-nano-banana-2.1'),
            ('pro', 'gemini-3-pro-image-preview'),
            ('lite', 'gemini-3.1-flash-lite-image')
        )
        'caption --provider' = @(
            ('wisgate', 'https://wisgate.ai'),
            ('google', 'https://generativelanguage.googleapis.com'),
            ('sandbox', 'embedded, free and offline')
        )
        'batch --retry' = @(
            ('refused', 'the service refused it, or only sent text'),
            ('bad-reply', 'the reply could not be used'),
            ('unknown', 'timed out, cut off, or killed'),
            ('all', 'all of these')
        )
        'batch --format' = @(
            ('auto', 'as received, or by the file''s name'),
            ('png', 'png'),
            ('jpeg', 'jpeg'),
            ('webp', 'webp')
        )
        'batch --aspect' = @(
            ('1:1', '1024x1024 pixels at 1K'),
            ('2:3', '848x1264 pixels at 1K'),
            ('3:2', '1264x848 pixels at 1K'),
            ('3:4', '896x1200 pixels at 1K'),
            ('4:3', '1200x896 pixels at 1K'),
            ('4:5', '928x1152 pixels at 1K'),
            ('5:4', '1152x928 pixels at 1K'),
            ('9:16', '768x1376 pixels at 1K'),
            ('16:9', '1376x768 pixels at 1K'),
            ('21:9', '1584x672 pixels at 1K'),
            ('1:4', '512x2048 pixels at 1K'),
            ('4:1', '2048x512 pixels at 1K'),
            ('1:8', '384x3072 pixels at 1K'),
            ('8:1', '3072x384 pixels at 1K')
        )
        'batch -a' = @(
            ('1:1', '1024x1024 pixels at 1K'),
            ('2:3', '848x1264 pixels at 1K'),
            ('3:2', '1264x848 pixels at 1K'),
            ('3:4', '896x1200 pixels at 1K'),
            ('4:3', '1200x896 pixels at 1K'),
            ('4:5', '928x1152 pixels at 1K'),
            ('5:4', '1152x928 pixels at 1K'),
            ('9:16', '768x1376 pixels at 1K'),
            ('16:9', '1376x768 pixels at 1K'),
            ('21:9', '1584x672 pixels at 1K'),
            ('1:4', '512x2048 pixels at 1K'),
            ('4:1', '2048x512 pixels at 1K'),
            ('1:8', '384x3072 pixels at 1K'),
            ('8:1', '3072x384 pixels at 1K')
        )
        'batch --size' = @(
            ('0.5K', '512x512 pixels at 1:1'),
            ('1K', '1024x1024 pixels at 1:1'),
            ('2K', '2048x2048 pixels at 1:1'),
            ('4K', '4096x4096 pixels at 1:1')
        )
        'batch -s' = @(
            ('0.5K', '512x512 pixels at 1:1'),
            ('1K', '1024x1024 pixels at 1:1'),
            ('2K', '2048x2048 pixels at 1:1'),
            ('4K', '4096x4096 pixels at 1:1')
        )
        'batch --model' = @(
            ('gemini-3.1-flash-image-preview', 'Nano Banana 2'),
            ('gemini-3.1-flash-image', 'Nano Banana 2, general release'),
            ('gemini-nano-banana-2.1', 'Nano Banana 2.1'),
            ('gemini-3-pro-image', 'Nano Banana Pro'),
            ('gemini-3-pro-image-preview', 'Nano Banana Pro, preview'),
            ('gemini-3.1-flash-lite-image', 'Nano Banana 2 Lite'),
            ('gemini-2.5-flash-image', 'Nano Banana'),
            ('nb2', 'gemini-3.1-flash-image-preview'),
            ('nb2.1', 'gemini-nano-banana-2.1'),
            ('pro', 'gemini-3-pro-image-preview'),
            ('lite', 'gemini-3.1-flash-lite-image')
        )
        'batch -m' = @(
            ('gemini-3.1-flash-image-preview', 'Nano Banana 2'),
            ('gemini-3.1-flash-image', 'Nano Banana 2, general release'),
            ('gemini-nano-banana-2.1', 'Nano Banana 2.1'),
            ('gemini-3-pro-image', 'Nano Banana Pro'),
            ('gemini-3-pro-image-preview', 'Nano Banana Pro, preview'),
            ('gemini-3.1-flash-lite-image', 'Nano Banana 2 Lite'),
            ('gemini-2.5-flash-image', 'Nano Banana'),
            ('nb2', 'gemini-3.1-flash-image-preview'),
            ('nb2.1', 'gemini-nano-banana-2.1'),
            ('pro', 'gemini-3-pro-image-preview'),
            ('lite', 'gemini-3.1-flash-lite-image')
        )
        'batch --provider' = @(
            ('wisgate', 'https://wisgate.ai'),
            ('google', 'https://generativelanguage.googleapis.com'),
            ('sandbox', 'embedded, free and offline')
        )
        'extract --format' = @(
            ('auto', 'as received, or by the file''s name'),
            ('png', 'png'),
            ('jpeg', 'jpeg'),
            ('webp', 'webp')
        )
        'log --sum' = @(
            ('day', 'day'),
            ('model', 'model'),
            ('provider', 'provider')
        )
        'config set --provider' = @(
            ('wisgate', 'https://wisgate.ai'),
            ('google', 'https://generativelanguage.googleapis.com'),
            ('sandbox', 'embedded, free and offline')
        )
        'config set 0' = @(
            ('provider', 'provider'),
            ('base-url', 'base-url'),
            ('model', 'model'),
            ('caption-model', 'caption-model'),
            ('aspect', 'aspect'),
            ('size', 'size'),
            ('timeout', 'timeout'),
            ('retries', 'retries'),
            ('wait', 'wait'),
            ('max-cost', 'max-cost'),
            ('concurrency', 'concurrency'),
            ('format', 'format'),
            ('output-folder', 'output-folder'),
            ('alt', 'alt'),
            ('open', 'open'),
            ('preview', 'preview'),
            ('price', 'price'),
            ('confirm-above', 'confirm-above'),
            ('log', 'log'),
            ('keep-replies', 'keep-replies'),
            ('memory-limit', 'memory-limit'),
            ('api-key', 'api-key'),
            ('api-key-file', 'api-key-file'),
            ('wisgate.api-key', 'of wisgate alone'),
            ('wisgate.api-key-file', 'of wisgate alone'),
            ('wisgate.base-url', 'of wisgate alone'),
            ('google.api-key', 'of google alone'),
            ('google.api-key-file', 'of google alone'),
            ('google.base-url', 'of google alone'),
            ('sandbox.base-url', 'of sandbox alone')
        )
        'config set 1 provider' = @(
            ('wisgate', 'https://wisgate.ai'),
            ('google', 'https://generativelanguage.googleapis.com'),
            ('sandbox', 'embedded, free and offline')
        )
        'config set 1 model' = @(
            ('gemini-3.1-flash-image-preview', 'Nano Banana 2'),
            ('gemini-3.1-flash-image', 'Nano Banana 2, general release'),
            ('gemini-nano-banana-2.1', 'Nano Banana 2.1'),
            ('gemini-3-pro-image', 'Nano Banana Pro'),
            ('gemini-3-pro-image-preview', 'Nano Banana Pro, preview'),
            ('gemini-3.1-flash-lite-image', 'Nano Banana 2 Lite'),
            ('gemini-2.5-flash-image', 'Nano Banana'),
            ('nb2', 'gemini-3.1-flash-image-preview'),
            ('nb2.1', 'gemini-nano-banana-2.1'),
            ('pro', 'gemini-3-pro-image-preview'),
            ('lite', 'gemini-3.1-flash-lite-image')
        )
        'config set 1 caption-model' = @(
            ('gemini-3.1-flash-image-preview', 'Nano Banana 2'),
            ('gemini-3.1-flash-image', 'Nano Banana 2, general release'),
            ('gemini-nano-banana-2.1', 'Nano Banana 2.1'),
            ('gemini-3-pro-image', 'Nano Banana Pro'),
            ('gemini-3-pro-image-preview', 'Nano Banana Pro, preview'),
            ('gemini-3.1-flash-lite-image', 'Nano Banana 2 Lite'),
            ('gemini-2.5-flash-image', 'Nano Banana'),
            ('nb2', 'gemini-3.1-flash-image-preview'),
            ('nb2.1', 'gemini-nano-banana-2.1'),
            ('pro', 'gemini-3-pro-image-preview'),
            ('lite', 'gemini-3.1-flash-lite-image')
        )
        'config set 1 aspect' = @(
            ('1:1', '1024x1024 pixels at 1K'),
            ('2:3', '848x1264 pixels at 1K'),
            ('3:2', '1264x848 pixels at 1K'),
            ('3:4', '896x1200 pixels at 1K'),
            ('4:3', '1200x896 pixels at 1K'),
            ('4:5', '928x1152 pixels at 1K'),
            ('5:4', '1152x928 pixels at 1K'),
            ('9:16', '768x1376 pixels at 1K'),
            ('16:9', '1376x768 pixels at 1K'),
            ('21:9', '1584x672 pixels at 1K'),
            ('1:4', '512x2048 pixels at 1K'),
            ('4:1', '2048x512 pixels at 1K'),
            ('1:8', '384x3072 pixels at 1K'),
            ('8:1', '3072x384 pixels at 1K')
        )
        'config set 1 size' = @(
            ('0.5K', '512x512 pixels at 1:1'),
            ('1K', '1024x1024 pixels at 1:1'),
            ('2K', '2048x2048 pixels at 1:1'),
            ('4K', '4096x4096 pixels at 1:1')
        )
        'config set 1 format' = @(
            ('auto', 'as received, or by the file''s name'),
            ('png', 'png'),
            ('jpeg', 'jpeg'),
            ('webp', 'webp')
        )
        'config set 1 alt' = @(
            ('true', 'true'),
            ('false', 'false')
        )
        'config set 1 open' = @(
            ('true', 'true'),
            ('false', 'false')
        )
        'config set 1 preview' = @(
            ('true', 'true'),
            ('false', 'false')
        )
        'config set 1 log' = @(
            ('true', 'true'),
            ('false', 'false')
        )
        'config set 1 keep-replies' = @(
            ('true', 'true'),
            ('false', 'false')
        )
        'config unset --provider' = @(
            ('wisgate', 'https://wisgate.ai'),
            ('google', 'https://generativelanguage.googleapis.com'),
            ('sandbox', 'embedded, free and offline')
        )
        'config unset 0' = @(
            ('provider', 'provider'),
            ('base-url', 'base-url'),
            ('model', 'model'),
            ('caption-model', 'caption-model'),
            ('aspect', 'aspect'),
            ('size', 'size'),
            ('timeout', 'timeout'),
            ('retries', 'retries'),
            ('wait', 'wait'),
            ('max-cost', 'max-cost'),
            ('concurrency', 'concurrency'),
            ('format', 'format'),
            ('output-folder', 'output-folder'),
            ('alt', 'alt'),
            ('open', 'open'),
            ('preview', 'preview'),
            ('price', 'price'),
            ('confirm-above', 'confirm-above'),
            ('log', 'log'),
            ('keep-replies', 'keep-replies'),
            ('memory-limit', 'memory-limit'),
            ('api-key', 'api-key'),
            ('api-key-file', 'api-key-file'),
            ('wisgate.api-key', 'of wisgate alone'),
            ('wisgate.api-key-file', 'of wisgate alone'),
            ('wisgate.base-url', 'of wisgate alone'),
            ('google.api-key', 'of google alone'),
            ('google.api-key-file', 'of google alone'),
            ('google.base-url', 'of google alone'),
            ('sandbox.base-url', 'of sandbox alone')
        )
        'config get 0' = @(
            ('provider', 'provider'),
            ('base-url', 'base-url'),
            ('model', 'model'),
            ('caption-model', 'caption-model'),
            ('aspect', 'aspect'),
            ('size', 'size'),
            ('timeout', 'timeout'),
            ('retries', 'retries'),
            ('wait', 'wait'),
            ('max-cost', 'max-cost'),
            ('concurrency', 'concurrency'),
            ('format', 'format'),
            ('output-folder', 'output-folder'),
            ('alt', 'alt'),
            ('open', 'open'),
            ('preview', 'preview'),
            ('price', 'price'),
            ('confirm-above', 'confirm-above'),
            ('log', 'log'),
            ('keep-replies', 'keep-replies'),
            ('memory-limit', 'memory-limit'),
            ('api-key', 'api-key'),
            ('api-key-file', 'api-key-file'),
            ('wisgate.api-key', 'of wisgate alone'),
            ('wisgate.api-key-file', 'of wisgate alone'),
            ('wisgate.base-url', 'of wisgate alone'),
            ('google.api-key', 'of google alone'),
            ('google.api-key-file', 'of google alone'),
            ('google.base-url', 'of google alone'),
            ('sandbox.base-url', 'of sandbox alone')
        )
        'config check --provider' = @(
            ('wisgate', 'https://wisgate.ai'),
            ('google', 'https://generativelanguage.googleapis.com'),
            ('sandbox', 'embedded, free and offline')
        )
        'models --provider' = @(
            ('wisgate', 'https://wisgate.ai'),
            ('google', 'https://generativelanguage.googleapis.com'),
            ('sandbox', 'embedded, free and offline')
        )
        'sandbox --fault' = @(
            ('307', 'a redirect to another path'),
            ('400', 'an invalid argument'),
            ('401', 'the key is refused'),
            ('402', 'a gateway account without credit'),
            ('403', 'the key lacks permission'),
            ('404', 'the model does not exist'),
            ('413', 'the request is too large'),
            ('429', 'the rate limit, with Retry-After: 1'),
            ('500', 'an internal error'),
            ('502', 'an HTML error page from a gateway'),
            ('503', 'the model is overloaded'),
            ('504', 'the service''s own deadline has passed'),
            ('credit', 'a 403 whose gateway code says that the credit is used up'),
            ('spending-cap', 'a 429 that no wait cures: the project''s spending cap is reached'),
            ('no-free-tier', 'a 429 that no wait cures: the free tier''s limit is 0'),
            ('gateway-500', 'a gateway''s 500 after it sent the call on: nobody can say if it was charged'),
            ('firewall', 'a 403 in plain text from a firewall before the service'),
            ('nested', 'a 400 whose message holds the error of another service, two deep'),
            ('safety', 'refused: IMAGE_SAFETY'),
            ('no-image', 'refused: NO_IMAGE'),
            ('recitation', 'refused: IMAGE_RECITATION'),
            ('prohibited', 'refused: IMAGE_PROHIBITED_CONTENT'),
            ('blocked', 'the prompt is blocked, and the reply has no candidate'),
            ('max-tokens', 'MAX_TOKENS before any content'),
            ('text', 'STOP with an explanatory text and no image'),
            ('empty', 'an empty list of candidates'),
            ('null-parts', 'a candidate whose parts are null'),
            ('no-text', 'the image without the requested text'),
            ('jpeg', 'the image as JPEG'),
            ('lying', 'JPEG bytes declared as image/png'),
            ('drafts', 'thoughts and a 64-pixel draft before the image'),
            ('several', 'another image before the right one'),
            ('multi', 'three finished images, with texts between them'),
            ('link', 'the image as a link in Markdown, to this server'),
            ('file-uri', 'the image as fileData with a link to this server'),
            ('chunks', 'the reply in pieces, as a JSON array'),
            ('sse', 'the reply in pieces, as server-sent events'),
            ('wrapped', 'the reply inside {"response": …}'),
            ('padded', 'the reply after 200 kB of white space'),
            ('snake', 'all names in snake_case'),
            ('data-uri', 'the image as a data URI in Markdown'),
            ('small', 'an image of half the width and height'),
            ('wrong-ratio', 'an image of another aspect ratio'),
            ('corrupt', 'a PNG cut off inside valid base64'),
            ('html', 'an HTML page with HTTP status 200'),
            ('not-json', 'plain text with HTTP status 200'),
            ('success-false', 'an error with HTTP status 200: {"success": false, "message": …}'),
            ('cut', 'the connection closed in mid-body'),
            ('reset', 'the connection reset before any reply'),
            ('hang', 'no reply at all'),
            ('slow', 'the reply SECONDS later (30)'),
            ('trickle', 'a body that arrives bit by bit over SECONDS (30)'),
            ('mix', 'of every 20 calls: the 4th 429, 8th 503, 12th safety, 16th cut, 20th slow:2')
        )
        'completion 0' = @(
            ('bash', 'Bash 3.2 or newer'),
            ('zsh', 'Zsh 5 or newer'),
            ('fish', 'fish 3 or newer'),
            ('powershell', 'PowerShell 5.1 or newer')
        )
        'help *' = @(
            ('generate', 'Make an image from a prompt'),
            ('caption', 'Make an image with its alt text, or alt text for existing images'),
            ('batch', 'Make many images from a manifest, never paying for one twice'),
            ('extract', 'Take images and texts out of saved replies, without a call'),
            ('log', 'Show what was made and paid here, the newest first'),
            ('config', 'Set, show and check stored settings'),
            ('models', 'Show what each model accepts and costs, and whether Google still serves it'),
            ('sandbox', 'Run a local server that speaks the protocol of the service, free and offline'),
            ('completion', 'Print the completion script of a shell'),
            ('help', 'Show the help of a command'),
            ('version', 'Show the version of nb, of Python, and of the system'),
            ('agents', 'a guide for coding agents')
        )
    }

    $path = ''
    $pending = ''
    $rest = $false
    $position = 0
    $last = ''
    foreach ($element in ($commandAst.CommandElements | Select-Object -Skip 1)) {
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        $word = $element.Extent.Text
        $below = "$path $word".Trim()
        if ($pending) { $pending = '' }
        elseif (-not $rest -and $word -ceq '--') { $rest = $true }
        elseif (-not $rest -and $word -match '^-.') {
            if ($valued.ContainsKey($path) -and $word -cmatch $valued[$path]) {
                $pending = $word -creplace '^-[^-]*(.)$', '-$1'
            }
        }
        elseif ($options.ContainsKey($below)) { $path = $below }
        else {
            $position++
            $last = $word
        }
    }

    $before = ''
    $typed = $wordToComplete
    $place = "$path $position"
    if ($pending) { $place = "$path $pending" }
    elseif (-not $rest -and $typed -match '^(--[^=]+)=(.*)$') {
        $before = $Matches[1] + '='
        $typed = $Matches[2]
        $place = "$path $($Matches[1])"
    }

    $offered = $values[$place.Trim()]
    if (-not $offered) { $offered = $values["$place $last"] }
    if (-not $pending -and -not $before) {
        if (-not $rest -and $typed -like '-*') { $offered = $options[$path] }
        elseif ($commands.ContainsKey($path)) { $offered = $commands[$path] }
        elseif (-not $offered) { $offered = $values["$path *".Trim()] }
    }

    # Nothing returned leaves file names to PowerShell itself.
    foreach ($pair in $offered) {
        $text, $about = $pair
        if ($text.StartsWith($typed, [System.StringComparison]::Ordinal)) {
            [System.Management.Automation.CompletionResult]::new(
                "$before$text", $text, 'ParameterValue', $about)
        }
    }
}
