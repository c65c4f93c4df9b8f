<?php

/**
 * Whether it is worth loading the browser module for a message: whatever that recognises as a report has to have one
 * of these signs (the crate `bounce`, `signs.rs` and `shown.rs`). More may have them.
 *
 * @license MIT OR Apache-2.0
 */
class tls_guarantee_report_signs
{
    /** In From, lower case. */
    public const SENDERS = [
        'mailer-daemon', 'mailer daemon', 'mailerdaemon', 'mail deliver', 'maildeliver', 'mail.deliver', 'postmaster',
        'post_master', 'post-master', 'delivery s', 'mail system', 'system administrator', 'ndr', 'mdaemon', 'bounce',
    ];
    /** In Subject, lower case. */
    public const SUBJECTS = [
        'deliver', 'returned', 'failure', 'failed mail', 'mail error', 'mail system error', 'error', 'unzustellbar',
        'zugestellt', 'zustellung', 'delay', 'warning', 'being retried',
    ];
    /** The subject of our own reports: letters only. */
    private const OWN_SUBJECT = 'undeliveredmailreturnedtosender';

    /**
     * @param string   $headers The header as it was received
     * @param string[] $types   The types of its parts
     */
    public static function may_be_report(string $headers, array $types): bool
    {
        foreach ($types as $type) {
            if (preg_match('/report|delivery-status/i', $type)) {
                return true;
            }
        }
        foreach (self::fields($headers) as [$name, $value]) {
            if (self::is_sign(strtolower($name), trim($value))) {
                return true;
            }
        }
        return false;
    }

    /** Line by line, since one pattern for all of a hostile header may need more than PCRE has. */
    private static function fields(string $headers): array
    {
        $fields = [];
        foreach (explode("\n", strtr($headers, ["\r\n" => "\n", "\r" => "\n"])) as $line) {
            if (preg_match('/^([!-9;-~]+)[ \t]*:(.*)$/s', $line, $parts)) {
                $fields[] = [$parts[1], $parts[2]];
            } elseif ($fields) {
                // A field goes on with a line that begins with white space, or has no field's name.
                $fields[count($fields) - 1][1] .= "\n" . $line;
            }
        }
        return $fields;
    }

    private static function is_sign(string $name, string $value): bool
    {
        switch ($name) {
            case 'x-failed-recipients':
                return true;
            case 'content-type':
                return (bool) preg_match('/report|delivery-status/i', $value);
            case 'return-path':
                return $value === '' || $value === '<>' || stripos($value, 'mailer-daemon') !== false;
            case 'from':
                return strpos($value, '<>') !== false || self::has($value, self::SENDERS);
            case 'subject':
                return self::has($value, self::SUBJECTS);
            default:
                return false;
        }
    }

    private static function has(string $value, array $words): bool
    {
        $value = preg_replace('/[ \t\n]+/', ' ', $value);
        $text = $value === null ? '=?' : rcube_mime::decode_header($value, RCUBE_CHARSET);
        // What could not be decoded may be anything.
        if (strpos($text, '=?') !== false || !mb_check_encoding($text, 'UTF-8')) {
            return true;
        }
        $text = preg_replace('/\s+/u', ' ', mb_strtolower($text));
        // Full-width forms as the letters they are, nothing but letters and digits.
        $letters = preg_replace('/[^\p{L}\p{N}]+/u', '', mb_strtolower(mb_convert_kana($text ?? '', 'as')));
        if ($text === null || $letters === null) {
            return true;
        }
        foreach ($words as $word) {
            if (strpos($text, $word) !== false) {
                return true;
            }
        }
        return strpos($letters, self::OWN_SUBJECT) !== false;
    }
}
