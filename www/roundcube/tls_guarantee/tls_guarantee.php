<?php

/**
 * The TLS sending guarantee in Roundcube.
 *
 * This is the thin side: it says who is logged in, by a token that it signs, and gives the page places, names and
 * Message-IDs. Whatever users see in those places comes from the browser module, which speaks to the server itself:
 * nothing here waits for the server.
 *
 * @license MIT OR Apache-2.0
 */
class tls_guarantee extends rcube_plugin
{
    public $task = 'mail|settings';

    private const TOKEN_SECONDS = 300;
    private const SHORTEST_KEY = 32;
    /** What a person may have chosen in the banner for the message that is being composed. */
    private const WAYS = ['without', 'end-to-end', 'again'];

    /** @var rcmail */
    private $rc;
    /** @var string The address of the account. */
    private $account;
    /** @var bool Whether the message of this request is not to be sent. */
    private $is_refused = false;

    public function init()
    {
        $this->rc = rcmail::get_instance();
        $this->load_config();
        $this->account = $this->find_account();
        $trouble = $this->find_trouble();
        if ($trouble !== null) {
            $this->tell_once($trouble);
            return;
        }

        $this->add_texts('localization/');
        $this->register_action('plugin.tls_guarantee.token', [$this, 'action_token']);
        $this->register_action('plugin.tls_guarantee.find', [$this, 'action_find']);
        $this->register_action('plugin.tls_guarantee.wasm', [$this, 'action_wasm']);
        $this->add_hook('startup', [$this, 'startup']);
        if ($this->rc->task === 'settings') {
            $this->register_action('plugin.tls_guarantee', [$this, 'action_account']);
            $this->add_hook('settings_actions', [$this, 'settings_actions']);
            // The forms of the plugin managesieve, where that is there.
            $this->add_hook('template_object_filterform', [$this, 'place_below_form']);
            $this->add_hook('template_object_forwardform', [$this, 'place_below_form']);
        } else {
            $this->add_hook('storage_init', [$this, 'storage_init']);
            $this->add_hook('messages_list', [$this, 'messages_list']);
            $this->add_hook('message_load', [$this, 'message_load']);
            $this->add_hook('message_objects', [$this, 'message_objects']);
            $this->add_hook('template_object_messageobjects', [$this, 'places_above_text']);
            $this->add_hook('message_compose', [$this, 'message_compose']);
            $this->add_hook('compose_objects', [$this, 'compose_objects']);
            $this->add_hook('message_ready', [$this, 'message_ready']);
            $this->add_hook('message_before_send', [$this, 'message_before_send']);
            $this->add_hook('message_sent', [$this, 'message_sent']);
        }
    }

    /**
     * The user name as an address, as Roundcube itself completes it; empty when there is no domain to complete it with.
     */
    private function find_account(): string
    {
        $name = (string) $this->rc->get_user_name();
        if ($name !== '' && strpos($name, '@') === false) {
            $domain = $this->rc->config->get('mail_domain');
            $name = empty($domain) ? '' : (string) $this->rc->user->get_username('mail');
        }
        return strpos($name, '@') === false ? '' : mb_strtolower($name);
    }

    /** What keeps the plugin from working for this user, for the error log. */
    private function find_trouble(): ?string
    {
        $config = $this->rc->config;
        if ((string) $config->get('tls_guarantee_server') === '') {
            return 'tls_guarantee_server is not set in the configuration of the plugin';
        }
        if (strlen((string) $config->get('tls_guarantee_key')) < self::SHORTEST_KEY) {
            return 'tls_guarantee_key is not set in the configuration of the plugin, or shorter than '
                . self::SHORTEST_KEY . ' characters';
        }
        if ($this->account === '') {
            return 'the user name is no address; set username_domain or mail_domain in the configuration of Roundcube';
        }
        return null;
    }

    /** Writes it into the error log, once a session. */
    private function tell_once(string $trouble): void
    {
        if (empty($_SESSION['tls_guarantee_trouble']) && !empty($_SESSION['user_id'])) {
            $_SESSION['tls_guarantee_trouble'] = true;
            rcube::raise_error([
                'code' => 600,
                'file' => __FILE__,
                'line' => __LINE__,
                'message' => "tls_guarantee does nothing: {$trouble}",
            ], true, false);
        }
    }

    /** Gives each page what the browser's side starts from. */
    public function startup($args)
    {
        $output = $this->rc->output;
        if ($output->type !== 'html' || !empty($_REQUEST['_remote'])) {
            return $args;
        }
        if (strncmp((string) ($_SESSION['language'] ?? ''), 'en', 2) === 0) {
            $this->rc->load_language(null, [], ['editasnew' => $this->gettext('openasnew')]);
        }
        $place = $this->find_place($args['task'], (string) $args['action']);
        if ($place !== null) {
            $this->give_place(['place' => $place] + ($place === 'compose' ? ['compose' => $this->composed()] : []));
            if ($place === 'compose') {
                $this->rc->output->add_label('tls_guarantee.notsent', 'tls_guarantee.notsentbusy');
            }
        } elseif ($args['task'] === 'settings') {
            $this->include_styles();
        }
        return $args;
    }

    /** Gives the page what loads the browser's side, and what that starts from. */
    private function give_place(array $env): void
    {
        static $is_given = false;
        $this->set_env($env);
        if (!$is_given) {
            $is_given = true;
            $boot = ['type' => 'module', 'src' => $this->url('boot.js')];
            $this->rc->output->add_header(html::tag('script', $boot, '', ['type', 'src']));
            $this->include_styles();
        }
    }

    private function include_styles(): void
    {
        $this->include_stylesheet($this->local_skin_path() . '/tls_guarantee.css');
    }

    private function find_place(string $task, string $action): ?string
    {
        if ($task === 'settings') {
            // What is shown within a page has the page's bar above it.
            $is_part = !empty($_REQUEST['_framed']);
            return $action === 'plugin.tls_guarantee' ? 'settings' : ($is_part ? null : 'page');
        }
        // A message gets its place when it is shown.
        $places = ['' => 'list', 'list' => 'list', 'show' => 'message', 'preview' => 'message', 'compose' => 'compose'];
        return $places[$action] ?? null;
    }

    /** Adds to what the page knows. */
    private function set_env(array $more): void
    {
        static $env = null;
        $config = $this->rc->config;
        $wasm = @stat("{$this->home}/module/tls_guarantee_bg.wasm") ?: ['mtime' => 0, 'size' => 0];
        $version = "{$wasm['mtime']}-{$wasm['size']}";
        $env = $more + ($env ?? [
            'api' => rtrim((string) $config->get('tls_guarantee_api', '/tls-guarantee/api/v1'), '/'),
            'account' => $this->account,
            'server' => (string) $config->get('tls_guarantee_server'),
            'language' => (string) ($_SESSION['language'] ?? 'en_US'),
            'version' => $version,
            'wasm' => $this->rc->url(['_task' => 'mail', '_action' => 'plugin.tls_guarantee.wasm', '_v' => $version]),
        ]);
        $this->rc->output->set_env('tls_guarantee', $env);
    }

    // ---- Settings ----

    public function settings_actions($args)
    {
        $args['actions'][] = [
            'action' => 'plugin.tls_guarantee',
            'class' => 'tls-guarantee-tab',
            'label' => 'myaccount',
            'title' => 'myaccount',
            'domain' => $this->ID,
        ];
        return $args;
    }

    /** Settings → My account. */
    public function action_account()
    {
        $this->rc->output->set_pagetitle($this->gettext('myaccount'));
        // On small screens, where one column is shown: the list first, then what was chosen there.
        $is_chosen = rcube_utils::get_input_string('_section', rcube_utils::INPUT_GET) === 'transport';
        $this->rc->output->set_env('tls_guarantee_section', $is_chosen);
        $this->register_handler('plugin.tls_guarantee.sections', [$this, 'sections']);
        $this->rc->output->send('tls_guarantee.account');
    }

    /** The list of what the account's settings have: one entry. */
    public function sections($attrib)
    {
        $link = html::a([
            'href' => $this->rc->url(['_action' => 'plugin.tls_guarantee', '_section' => 'transport']),
            'aria-current' => 'page',
        ], rcube::Q($this->gettext('transportencryption')));
        $entry = html::tag('li', ['class' => 'listitem transport selected'], $link);
        return html::tag('ul', ['id' => $attrib['id'], 'class' => $attrib['class']], $entry);
    }

    /** The place below a form in which a forwarding may be set up: the way there can be looked at beforehand. */
    public function place_below_form($args)
    {
        $this->give_place(['place' => 'filters']);
        $args['content'] .= html::div(['id' => 'tls-guarantee-forwarding', 'class' => 'tls-guarantee'], '');
        return $args;
    }

    // ---- Reading ----

    /** Lists do not ask for the Message-ID by themselves. */
    public function storage_init($args)
    {
        $args['fetch_headers'] = trim(($args['fetch_headers'] ?? '') . ' MESSAGE-ID');
        return $args;
    }

    /** Gives the rows of the Sent folder their Message-ID. */
    public function messages_list($args)
    {
        foreach ($args['messages'] ?? [] as $header) {
            if ($this->is_sent_folder((string) ($header->folder ?: $this->rc->storage->get_folder()))) {
                $header->list_flags['extra_flags']['tls_guarantee'] = self::bare_id($header->messageID);
            }
        }
        return $args;
    }

    /** What the page knows of the message that it shows. */
    public function message_objects($args)
    {
        /** @var rcube_message $message */
        $message = $args['message'];
        if ($message->context === null) { // A message inside of another is nothing that was received or sent.
            require_once __DIR__ . '/report_signs.php';
            $types = array_map(static function ($part) { return (string) $part->mimetype; }, $message->mime_parts());
            $headers = (string) $this->rc->storage->get_raw_headers($message->uid);
            $may_be_report = tls_guarantee_report_signs::may_be_report($headers, $types);
            if ($may_be_report && empty($_GET['_safe'])) {
                // A forged one must not learn that it was opened, whatever the user lets other mail do.
                $message->is_safe = false;
            }
            $this->set_env(['message' => $this->about($message) + ['may_be_report' => $may_be_report]]);
        }
        return $args;
    }

    /** The places above a message's text: before Roundcube's own notices, whose look Elastic gives to all among them. */
    public function places_above_text($args)
    {
        $mark = html::div(['id' => 'tls-guarantee-mark', 'class' => 'tls-guarantee'], '');
        $banner = html::div(['id' => 'tls-guarantee-banner', 'class' => 'tls-guarantee'], '');
        $args['content'] = $mark . $banner . $args['content'];
        return $args;
    }

    private function about(rcube_message $message): array
    {
        return [
            'uid' => $message->uid,
            'mbox' => (string) $message->folder,
            'message_id' => self::bare_id($message->headers->messageID),
            'sent' => $this->is_sent_folder((string) $message->folder),
        ];
    }

    /** Whether it is the folder of sent mail or one below it. */
    private function is_sent_folder(string $folder): bool
    {
        $sent = (string) $this->rc->config->get('sent_mbox');
        $delimiter = $this->rc->storage->get_hierarchy_delimiter();
        return $sent !== '' && strncmp($folder . $delimiter, $sent . $delimiter, strlen($sent . $delimiter)) === 0;
    }

    private static function bare_id($message_id): string
    {
        return trim((string) $message_id, "<> \t\r\n");
    }

    // ---- Composing ----

    /** Keeps the chosen way only if a page of ours asked for it: no link in a mail opens the composer with it. */
    public function message_compose($args)
    {
        $param = $args['param'];
        $ours = hash_equals($this->rc->get_request_token(), (string) ($param['token'] ?? ''));
        $way = (string) ($param['tls_guarantee_way'] ?? '');
        $stop = (string) ($param['tls_guarantee_stop'] ?? '');
        $is_stop = $ours && preg_match('/^[A-Za-z0-9_-]{1,64}$/D', $stop);
        $param['tls_guarantee_stop'] = $is_stop ? $stop : null;
        $param['tls_guarantee_way'] = $is_stop && in_array($way, self::WAYS, true) ? $way : null;
        // Whom of the stopped recipients, for the way `again`; the page compares them with the record.
        $only = (string) ($param['tls_guarantee_only'] ?? '');
        $param['tls_guarantee_only'] = $is_stop && strlen($only) <= 8000 ? $only : null;
        $args['param'] = $param;
        return $args;
    }

    /** What the page of the composer knows before the message is loaded. */
    private function composed(): array
    {
        $id = rcube_utils::get_input_string('_id', rcube_utils::INPUT_GET);
        $param = $_SESSION["compose_data_{$id}"]['param'] ?? [];
        return [
            'source' => null,
            'way' => $param['tls_guarantee_way'] ?? null,
            'stop' => $param['tls_guarantee_stop'] ?? null,
            'only' => $param['tls_guarantee_only'] ?? null,
        ];
    }

    /** The message that "edit as new" opens again. */
    public function message_load($args)
    {
        $id = rcube_utils::get_input_string('_id', rcube_utils::INPUT_GET);
        $param = $_SESSION["compose_data_{$id}"]['param'] ?? [];
        $opens_as_new = !empty($param['uid'])
            && empty($param['draft_uid']) && empty($param['reply_uid']) && empty($param['forward_uid']);
        if ($this->rc->action === 'compose' && $opens_as_new && $args['object']->context === null) {
            $source = $this->about($args['object']);
            $this->set_env(['compose' => ['source' => $source] + $this->composed()]);
        }
        return $args;
    }

    /** The place above the form. */
    public function compose_objects($args)
    {
        $args['content'][] = html::div(['id' => 'tls-guarantee-composer', 'class' => 'tls-guarantee'], '');
        return $args;
    }

    // ---- Sending ----

    /** Sends with the Message-ID that the page has told the server beforehand. */
    public function message_ready($args)
    {
        $id = $_POST['_tls_guarantee_message_id'] ?? '';
        $is_draft = !empty($_POST['_draft']) || $this->rc->action !== 'send';
        if ($is_draft || $id === '') {
            return $args;
        }
        if (is_string($id) && self::is_message_id($id)) {
            $args['message']->headers(['Message-ID' => "<{$id}>"], true);
        } else {
            // Under another one, what the user has chosen for this message would not hold.
            $this->is_refused = true;
        }
        return $args;
    }

    public function message_before_send($args)
    {
        if ($this->is_refused) {
            return ['abort' => true, 'result' => false, 'error' => $this->gettext('notsent')] + $args;
        }
        return $args;
    }

    /** Whether it is a Message-ID (RFC 5322 §3.6.4), without its brackets, of the kind that Roundcube makes. */
    public static function is_message_id(string $id): bool
    {
        $label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
        return strlen($id) <= 250 && preg_match("/^[A-Za-z0-9][A-Za-z0-9._-]{7,63}@{$label}(?:\\.{$label})*$/D", $id);
    }

    public function message_sent($args)
    {
        if ($this->rc->action === 'send' && $this->rc->output->type === 'html') {
            $this->rc->output->command('plugin.tls_guarantee.sent', [
                'message_id' => self::bare_id($args['headers']['Message-ID'] ?? ''),
                'subject' => rcube_mime::decode_header((string) ($args['headers']['Subject'] ?? '')),
            ]);
        }
        return $args;
    }

    // ---- What the page asks for ----

    /** A token for the server's API: who is logged in, for some minutes. */
    public function action_token()
    {
        $this->check_asked_by_page();
        $config = $this->rc->config;
        $now = time();
        $token = self::sign(
            ['alg' => 'HS256', 'typ' => 'JWT', 'kid' => (string) $config->get('tls_guarantee_key_id', 'webmail')],
            [
                'iss' => 'roundcube',
                'sub' => $this->account,
                'aud' => (string) $config->get('tls_guarantee_server'),
                'iat' => $now,
                'exp' => $now + self::TOKEN_SECONDS,
            ],
            (string) $config->get('tls_guarantee_key')
        );
        $this->rc->output->command('plugin.tls_guarantee.token', [
            'token' => $token,
            'expires_in' => self::TOKEN_SECONDS,
            'account' => $this->account,
        ]);
        $this->rc->output->send();
    }

    /** A JSON Web Token (RFC 7519) with HMAC-SHA256. */
    public static function sign(array $header, array $claims, string $key): string
    {
        $encode = static function (string $bytes): string {
            return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
        };
        $json = static function (array $content): string {
            return json_encode($content, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_THROW_ON_ERROR);
        };
        $signed = $encode($json($header)) . '.' . $encode($json($claims));
        return $signed . '.' . $encode(hash_hmac('sha256', $signed, $key, true));
    }

    /** The place of a sent message by its Message-ID. */
    public function action_find()
    {
        $this->check_asked_by_page();
        $id = self::bare_id(rcube_utils::get_input_string('message_id', rcube_utils::INPUT_POST));
        $folder = (string) $this->rc->config->get('sent_mbox');
        $uid = null;
        if ($folder !== '' && preg_match('/^[\x21-\x7e]{1,995}$/D', $id)) {
            $criterion = 'HEADER MESSAGE-ID ' . rcube_imap_generic::escape("<{$id}>");
            // The newest, if there are several.
            $uid = $this->rc->storage->search_once($folder, $criterion)->max() ?: null;
        }
        $this->rc->output->command('plugin.tls_guarantee.found', $uid === null
            ? ['message_id' => $id, 'uid' => null]
            : ['message_id' => $id, 'uid' => (int) $uid, 'mbox' => $folder]);
        $this->rc->output->send();
    }

    /** Ends the request unless a page of this session asked by script. Roundcube lets empty requests pass its own check. */
    private function check_asked_by_page(): void
    {
        $token = rcube_utils::request_header('X-Roundcube-Request');
        if (($_SERVER['REQUEST_METHOD'] ?? '') !== 'POST' || $this->rc->output->type !== 'js'
            || !hash_equals($this->rc->get_request_token(), (string) $token)
        ) {
            rcube::raise_error(['code' => 403, 'message' => 'Request security check failed'], false, true);
        }
    }

    /**
     * The browser module, or a part of it. A script may lie anywhere in the plugin, but Roundcube 1.7 hands out no such files, and not
     * every web server knows their type.
     */
    public function action_wasm()
    {
        $part = rcube_utils::get_input_string('_part', rcube_utils::INPUT_GET) ?: 'bg';
        if (!preg_match('/^[a-z]+(\.[0-9a-f]+)?$/D', $part)) {
            http_response_code(404);
            exit;
        }
        $file = "{$this->home}/module/tls_guarantee_{$part}.wasm";
        $packs = preg_match('/\bbr\b/', (string) ($_SERVER['HTTP_ACCEPT_ENCODING'] ?? '')) && is_readable("{$file}.br");
        if (!is_readable($file)) {
            http_response_code(404);
            exit;
        }
        session_write_close();
        ini_set('zlib.output_compression', '0');
        while (ob_get_level() > 0) {
            ob_end_clean();
        }
        header('Content-Type: application/wasm');
        header('Vary: Accept-Encoding');
        array_map('header_remove', ['Pragma', 'Expires', 'Last-Modified']);
        // Its address has its version.
        header('Cache-Control: private, max-age=31536000, immutable');
        if ($packs) {
            header('Content-Encoding: br');
            $file .= '.br';
        }
        header('Content-Length: ' . filesize($file));
        readfile($file);
        exit;
    }
}
